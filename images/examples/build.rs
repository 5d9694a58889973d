//! Builds the newest node image with a progress line per step.
//!
//! `cargo run -p kind-images --example build -- CACHE_FOLDER [offline]`

use std::time::Duration;

use kind_engine::{DockerEngine, EngineChoice};
use kind_images::{BuildOptions, Progress, Step, build};

struct Lines;

impl Progress for Lines {
    fn started(&self, step: Step) {
        println!("{step} …");
    }
    fn finished(&self, step: Step, elapsed: Duration) {
        println!("{step}: {:.1} s", elapsed.as_secs_f64());
    }
    fn skipped(&self, step: Step) {
        println!("{step}: done before");
    }
    fn line(&self, _: Step, _: &str) {}
    fn note(&self, text: &str) {
        println!("{text}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let cache = arguments.next().ok_or("usage: build CACHE_FOLDER [offline]")?;
    let offline = arguments.next().as_deref() == Some("offline");
    let engine = DockerEngine::find(&EngineChoice::default()).await?;
    let reference = build(&engine, &BuildOptions { offline, ..BuildOptions::new(cache) }, &Lines).await?;
    println!("{reference}");
    Ok(())
}
