//! The images of the examples: what is in each, and how it starts.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{
    archive::{self, Image, Layer},
    cache::Cache,
    packages,
    programs::Root,
};

/// The reference of the guestbook's first version.
pub const GUESTBOOK_V1: &str = "kind-examples/guestbook:v1";

/// The reference of the guestbook's second version: the same program, but `/version` says `v2`.
pub const GUESTBOOK_V2: &str = "kind-examples/guestbook:v2";

/// The reference of the Redis image.
pub const REDIS: &str = "kind-examples/redis:7";

/// Where the guestbook program is in its image.
pub const GUESTBOOK_PROGRAM: &str = "/usr/bin/guestbook";

/// Nobody in particular: neither program needs root.
const USER: &str = "65532:65532";

/// Writes both versions of the guestbook into one archive, unless that is there already, and returns its path.
/// The two differ in one environment variable, so they share their only layer.
///
/// `target` is Cargo's target folder, `program` the built guestbook in it.
///
/// # Errors
/// When the program or one of its libraries cannot be read, or the archive cannot be written.
pub fn guestbook(target: &Path, program: &Path) -> anyhow::Result<PathBuf> {
    let files = Root::of_this_machine().with_libraries(program, GUESTBOOK_PROGRAM)?;
    Cache::below(target).get_or_write("guestbook", files.sources(), |archive| {
        let mut layer = Layer::default();
        files.add_to(&mut layer)?;
        let version = |reference: &str, version: &str| Image {
            reference: reference.to_owned(),
            entrypoint: vec![GUESTBOOK_PROGRAM.to_owned()],
            environment: vec![format!("VERSION={version}")],
            user: USER.to_owned(),
        };
        archive::write(archive, layer, &[version(GUESTBOOK_V1, "v1"), version(GUESTBOOK_V2, "v2")])
    })
}

/// Writes the archive of Redis from the distribution's packages, unless that is there already, and returns its path.
///
/// # Errors
/// When `cargo xtask setup` has not put the packages below `target`, or the archive cannot be written.
pub fn redis(target: &Path) -> anyhow::Result<PathBuf> {
    let root = Root::of_packages(packages::folder(target, "redis")?);
    // Debian's /usr/bin/redis-server is a link to this file, which looks at the name it is called by.
    let server = root.path().join("usr/bin/redis-check-rdb");
    let files = root.with_libraries(&server, "/usr/bin/redis-server").context("Redis from packages")?;
    Cache::below(target).get_or_write("redis", files.sources(), |archive| {
        let mut layer = Layer::default();
        files.add_to(&mut layer)?;
        layer.add_folder("/data", 0o777);
        let image = Image {
            reference: REDIS.to_owned(),
            // Reached by other pods: by default Redis answers its own machine only.
            entrypoint: ["/usr/bin/redis-server", "--dir", "/data", "--protected-mode", "no"]
                .map(str::to_owned)
                .to_vec(),
            environment: Vec::new(),
            user: USER.to_owned(),
        };
        archive::write(archive, layer, &[image])
    })
}
