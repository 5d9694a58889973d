//! `cargo xtask setup`: everything that demo and tests need, and neither of them.

use super::image::{self, ImageChoice, ImageError};
use crate::{context::Context, setup};

/// Installs what is missing, starts the engine, and has the node image.
///
/// # Errors
/// When any of it fails.
pub async fn setup(ctx: &Context, choice: ImageChoice) -> Result<(), ImageError> {
    let prepared = setup::prepare(ctx).await?;
    image::node_image(ctx, &prepared, choice).await.map(drop)
}
