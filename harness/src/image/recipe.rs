//! What an image is to have in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// An image for pods: of a program of this machine, such as the package's own controller, or one that is there already.
///
/// ```no_run
/// use k8s_openapi::api::apps::v1::Deployment;
/// use kind_harness::{Image, TestContext, TestNamespace, expect, kind_test};
/// use kube::Api;
///
/// # macro_rules! env { ($name:literal) => { "target/debug/controller" } }
/// fn controller() -> Image {
///     Image::from_binary(env!("CARGO_BIN_EXE_controller")).env("RUST_LOG", "info").ca_certificates()
/// }
///
/// #[kind_test]
/// async fn is_rolled_out(context: TestContext, ns: TestNamespace) -> anyhow::Result<()> {
///     // Such as `controller:5d41402abc4b2a76`.
///     let image = context.load(&controller()).await?;
///     context.apply(std::fs::read_to_string("deploy/controller.yaml")?.replace("image: controller", &format!("image: {image}"))).await?;
///     let deployments: Api<Deployment> = Api::namespaced(context.client().clone(), &ns);
///     expect(&deployments, "controller").rolled_out().await?;
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// # What is in it
///
/// The program, its loader and its libraries, as the loader finds them here (`RUNPATH` and `RPATH`, `ld.so.conf`, the loader's
/// own folders), and what the methods below say: nothing else, so no shell, no `/etc/passwd` and no `/tmp`. A program that
/// links nothing, such as one for `x86_64-unknown-linux-musl`, is alone in it. What a program opens by itself while it runs
/// (`dlopen`) is not seen: [`file`](Self::file) adds it.
///
/// # What it is called
///
/// By its content: the tag is a digest of it. A changed program has another reference, so that a Deployment that says it is
/// rolled out anew, pods of earlier versions keep theirs, and `imagePullPolicy`, which then is `IfNotPresent`, is never to be
/// `Always`.
///
/// # When it is made and loaded
///
/// Once for each content, however many test processes want it: its archive is in Cargo's target folder, below `kind/images`,
/// until a day after its last use, and a note beside the cluster's state says that all nodes have it. Where both are there, a
/// test reads the headers of the program and its libraries, and asks neither the engine nor a node. Tests that are alone on their
/// cluster (`access = "exclusive"`, `"fresh"`) may have taken images away, so they ask each node once.
#[derive(Debug, Clone)]
pub struct Image {
    pub(super) source: Source,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    Program(Box<Recipe>),
    /// One that somebody else made, and the first method that cannot be said of such a one.
    Archive(PathBuf, Option<&'static str>),
    Engine(String, Option<&'static str>),
}

#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) name: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) path: Option<String>,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) user: String,
    /// Files and folders of this machine, by their paths in the image.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// Empty folders and their modes.
    pub(super) folders: BTreeMap<String, u32>,
    pub(super) certificates: bool,
    pub(super) symbols: bool,
    pub(super) root: PathBuf,
}

impl Image {
    /// An image of a program of this machine and of what it needs. Cargo says where a package's own programs are:
    /// `env!("CARGO_BIN_EXE_name")`, in tests below `tests/`; in an archive of nextest's that was unpacked elsewhere, the variable
    /// `NEXTEST_BIN_EXE_name` does while tests run.
    pub fn from_binary(program: impl AsRef<Path>) -> Self {
        let recipe = Recipe {
            program: program.as_ref().to_owned(),
            name: None,
            tag: None,
            path: None,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            user: "65532:65532".to_owned(),
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
            certificates: false,
            symbols: false,
            root: PathBuf::from("/"),
        };
        Self { source: Source::Program(Box::new(recipe)) }
    }

    /// The image in an archive, as `docker save` or an OCI image layout has it. Its name there is its reference.
    pub fn from_archive(archive: impl AsRef<Path>) -> Self {
        Self { source: Source::Archive(archive.as_ref().to_owned(), None) }
    }

    /// An image that the container engine has, by tag or digest.
    pub fn from_engine(reference: impl Into<String>) -> Self {
        Self { source: Source::Engine(reference.into(), None) }
    }

    /// Names it, such as `controller` or `example.com/team/controller`; else it has the name of the program's file.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with("name", |recipe| recipe.name = Some(name.into()))
    }

    /// Gives it this tag instead of a digest of its content. Then a changed program has the same reference: a Deployment that is
    /// there already is not rolled out anew, tests that load different programs under one reference get in each other's way,
    /// and every test asks every node what it has.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        self.with("tag", |recipe| recipe.tag = Some(tag.into()))
    }

    /// Where the program is in it; else in `/usr/bin`, where pods find it by its name.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        self.with("path", |recipe| recipe.path = Some(path.into()))
    }

    /// The program's arguments where a pod says no `args`.
    #[must_use]
    pub fn args<I, S>(self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.with("args", |recipe| recipe.arguments = arguments.into_iter().map(Into::into).collect())
    }

    /// Sets a variable of the program's environment. A pod may set it to something else.
    #[must_use]
    pub fn env(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with("env", |recipe| drop(recipe.environment.insert(name.into(), value.into())))
    }

    /// Who runs it, in numbers: `1000` or `1000:1000`. Else it is `65532:65532`, nobody in particular.
    #[must_use]
    pub fn user(self, user: impl Into<String>) -> Self {
        self.with("user", |recipe| recipe.user = user.into())
    }

    /// Adds a file of this machine, or a folder with all that is in it. Everybody may read it.
    #[must_use]
    pub fn file(self, path: impl Into<String>, source: impl AsRef<Path>) -> Self {
        self.with("file", |recipe| drop(recipe.files.insert(path.into(), source.as_ref().to_owned())))
    }

    /// Adds an empty folder with this mode: `.folder("/tmp", 0o1777)`.
    #[must_use]
    pub fn folder(self, path: impl Into<String>, mode: u32) -> Self {
        self.with("folder", |recipe| {
            recipe.folders.insert(path.into(), mode);
        })
    }

    /// Adds this machine's certificate authorities, for programs that speak TLS to the outside. The cluster's own is in every
    /// pod's service account already.
    #[must_use]
    pub fn ca_certificates(self) -> Self {
        self.with("ca_certificates", |recipe| recipe.certificates = true)
    }

    /// Keeps the program's symbols and debug information, of which backtraces are made: a debug build is then ten times as
    /// large.
    #[must_use]
    pub fn symbols(self) -> Self {
        self.with("symbols", |recipe| recipe.symbols = true)
    }

    /// Takes loader and libraries from another root file system, such as unpacked packages. They never mix with this
    /// machine's.
    #[must_use]
    pub fn root(self, root: impl AsRef<Path>) -> Self {
        self.with("root", |recipe| root.as_ref().clone_into(&mut recipe.root))
    }

    fn with(mut self, what: &'static str, change: impl FnOnce(&mut Recipe)) -> Self {
        match &mut self.source {
            Source::Program(recipe) => change(recipe),
            Source::Archive(_, said) | Source::Engine(_, said) => drop(said.get_or_insert(what)),
        }
        self
    }
}
