//! `cargo run -p kind-images --example module-sums -- CACHE_FOLDER`: writes `images/modules/go.sum` anew. For when a version in
//! the table changes.

use std::{fs, path::Path};

use kind_images::{BuildOptions, Silent, module_sums};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = std::env::args().nth(1).ok_or("usage: module-sums CACHE_FOLDER")?;
    let text = module_sums(&BuildOptions::new(cache), &Silent).await?;
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/go.sum"), text)?;
    Ok(())
}
