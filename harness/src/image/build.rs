//! From a recipe to an archive: what is wrong with it, what it is made of, and whether that was made before.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use kind_core::settings::Settings;
use kind_engine::ImageName;
use sha2::{Digest as _, Sha256};

use super::{
    Image, ImageError,
    archive::{self, Layer, Start},
    cache::Cache,
    elf::{loaded_part, not_a_program},
    files::{IMAGE_CERTIFICATES, certificates, expand},
    libraries::needed,
    recipe::{Recipe, Source},
    root::{Root, normal},
};

/// Counts up when archives of the same sources come to differ.
const FORMAT: u8 = 1;
/// How many hexadecimal digits tell sources apart.
const DIGITS: usize = 16;
/// Where programs are looked for by name, as engines have it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An image as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuiltImage {
    /// What pods call it.
    pub reference: String,
    /// The archive, in the format of `docker save`.
    pub archive: PathBuf,
}

impl Image {
    /// Makes the image's archive, where it is not there already, without loading it anywhere: for `docker load`, or for a
    /// registry.
    ///
    /// # Errors
    /// When the program or a library is missing or none, a file cannot be read or written, or the image is not
    /// [`from_binary`](Self::from_binary).
    pub async fn build(&self) -> Result<BuiltImage, ImageError> {
        let recipe = match &self.source {
            Source::Program(recipe) => recipe.clone(),
            Source::Archive(path, _) => {
                return Err(ImageError::NotOurs { image: path.display().to_string(), what: "build" });
            }
            Source::Engine(reference, _) => {
                return Err(ImageError::NotOurs { image: reference.clone(), what: "build" });
            }
        };
        let folder = Settings::from_environment()?.images;
        blocking(move || build(&recipe, &folder)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    tokio::task::spawn_blocking(work).await.expect("reading and writing files does not panic")
}

/// Makes the archive in that folder.
pub(super) fn build(recipe: &Recipe, folder: &Path) -> Result<BuiltImage, ImageError> {
    let plan = Plan::of(recipe)?;
    let write = |file: &mut File| plan.write(file);
    let archive = Cache(folder).get_or_write(&plan.name, &plan.stamp()?, write)?;
    let reference = archive::reference(&archive).map_err(ImageError::file("read", &archive))?;
    Ok(BuiltImage { reference, archive })
}

/// Everything that the image is made of.
#[derive(Debug)]
struct Plan {
    name: String,
    tag: Option<String>,
    start: Start,
    /// By their paths in the image.
    files: BTreeMap<String, PathBuf>,
    folders: BTreeMap<String, u32>,
    symbols: bool,
}

impl Plan {
    fn of(recipe: &Recipe) -> Result<Self, ImageError> {
        if !recipe.program.is_file() {
            return Err(ImageError::NoProgram { path: recipe.program.clone() });
        }
        if let Some(error) = not_a_program(&recipe.program)? {
            return Err(error);
        }
        let file_name = recipe.program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = recipe.name.clone().unwrap_or_else(|| file_name.clone());
        let wrong = |what: &'static str, found: &str, problem: &'static str| ImageError::Setting {
            image: name.clone(),
            what,
            found: found.to_owned(),
            problem,
        };
        // A digest is such a tag, too.
        ImageName::parse(&format!("{name}:{}", recipe.tag.as_deref().unwrap_or("0")))?;
        if recipe.tag.as_deref() == Some("latest") {
            return Err(wrong("tag", "latest", "expected another one: pods pull what is called so each time"));
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if recipe.user.splitn(2, ':').any(|part| !is_number(part)) {
            let problem = "expected numbers, such as `1000` or `1000:1000`: there is no `/etc/passwd` in it";
            return Err(wrong("user", &recipe.user, problem));
        }
        if let Some(variable) = recipe.environment.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(wrong("variable", variable, "expected a name without `=`"));
        }
        let entrypoint = recipe.path.clone().unwrap_or_else(|| format!("/usr/bin/{file_name}"));
        let paths = recipe.files.keys().chain(recipe.folders.keys()).chain([&entrypoint]);
        if let Some(path) = paths.into_iter().find(|path| !path.starts_with('/') || path.contains('\0')) {
            return Err(wrong("path", path, "expected one that begins with `/`"));
        }
        let mut environment = BTreeMap::from([("PATH", PATH)].map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut added = expand(&recipe.files)?;
        if recipe.certificates {
            added.insert(IMAGE_CERTIFICATES.to_owned(), certificates()?);
            // OpenSSL looks where its own distribution has them.
            environment.insert("SSL_CERT_FILE".to_owned(), IMAGE_CERTIFICATES.to_owned());
        }
        environment.extend(recipe.environment.clone());
        let entrypoint = normal(&entrypoint);
        let needed = needed(&recipe.program, &entrypoint, &Root::new(recipe.root.clone()), &added)?;
        let mut files = needed.files;
        files.extend(added);
        Ok(Self {
            name,
            tag: recipe.tag.clone(),
            start: Start {
                architecture: needed.machine.architecture(),
                entrypoint,
                arguments: recipe.arguments.clone(),
                environment: environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
                user: recipe.user.clone(),
            },
            files,
            folders: recipe.folders.iter().map(|(path, mode)| (normal(path), *mode)).collect(),
            symbols: recipe.symbols,
        })
    }

    /// Tells one plan and its files from another without reading them.
    fn stamp(&self) -> Result<String, ImageError> {
        let mut digest = Sha256::new();
        digest.update([FORMAT]);
        digest.update(format!("{self:?}"));
        for source in self.files.values() {
            let facts = fs::metadata(source).map_err(ImageError::file("read", source))?;
            let times = [facts.mtime(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec()];
            digest.update(format!("\n{} {} {times:?}", facts.len(), facts.mode()));
        }
        let mut stamp = format!("{:x}", digest.finalize());
        stamp.truncate(DIGITS);
        Ok(stamp)
    }

    fn write(&self, file: &mut File) -> Result<(), ImageError> {
        let mut layer = Layer::default();
        for (path, mode) in &self.folders {
            layer.add_folder(path, *mode);
        }
        for (path, source) in &self.files {
            let read = || -> io::Result<(Vec<u8>, u32)> {
                Ok((fs::read(source)?, fs::metadata(source)?.permissions().mode() & 0o777))
            };
            let (mut content, mut mode) = read().map_err(ImageError::file("read", source))?;
            // Everybody may read it; what is a program, everybody may run.
            mode |= if mode & 0o111 == 0 { 0o444 } else { 0o555 };
            if *path == self.start.entrypoint {
                mode |= 0o555;
                if !self.symbols {
                    content = loaded_part(content);
                }
            }
            layer.add_file(path, mode, content);
        }
        let written = archive::write(io::BufWriter::new(file), layer, &self.start, (&self.name, self.tag.as_deref()));
        written.map_err(ImageError::file("write the archive of", &self.start.entrypoint))
    }
}
