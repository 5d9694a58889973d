//! The kubeconfig that names somebody else's cluster, and the way to its server.

use std::{fmt, path::Path};

use kind_core::{
    kubeconfig::{self, KubeconfigFiles},
    settings::{ExistingCluster, Settings},
    spec::Proxy,
    yaml_text,
};
use kube::config::Kubeconfig;

use super::ExistingError;

/// The current context of the kubeconfig.
pub(super) struct Named {
    /// Where it comes from, for messages.
    pub(super) from: String,
    pub(super) context: String,
    pub(super) kubeconfig: Kubeconfig,
    /// The command that a person looks with.
    pub(super) kubectl: String,
}

impl Named {
    /// Reads the kubeconfig and checks that its current context leads somewhere.
    pub(super) fn find(which: &ExistingCluster, settings: &Settings) -> Result<Self, ExistingError> {
        let (from, kubeconfig, kubectl) = match which {
            ExistingCluster::File(path) | ExistingCluster::Argument(path) => {
                let is_variable = matches!(which, ExistingCluster::File(_));
                let name = if is_variable { "KIND_TEST_KUBECONFIG=" } else { "--kubeconfig " };
                let from = format!("{name}{}", path.display());
                let kubeconfig = read(&from, path)?;
                (from, kubeconfig, format!("kubectl --kubeconfig {}", quoted(&path.display())))
            }
            ExistingCluster::OfTheUser => {
                let Settings { kubeconfig, home, .. } = settings;
                let of_the_user = "USE_EXISTING_CLUSTER".to_owned();
                let files = KubeconfigFiles::new(None, kubeconfig.as_deref(), home.as_deref());
                let files = files
                    .map_err(|error| ExistingError::File { from: of_the_user.clone(), problem: error.to_string() })?;
                let paths = files.all().iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
                let from = format!("{of_the_user}, {paths}");
                (from.clone(), read_all(&from, files.all())?, "kubectl".to_owned())
            }
        };
        let context =
            current_context(&kubeconfig).map_err(|problem| ExistingError::File { from: from.clone(), problem })?;
        let kubectl = format!("{kubectl} --context {}", quoted(&context));
        Ok(Self { from: format!("{from}, context {context}"), context, kubeconfig, kubectl })
    }

    /// Writes into the kubeconfig through which proxy its server is reached, where these variables say so, as kubectl
    /// takes it from them; returns what names the proxy. Whoever reads it afterwards needs no variable.
    pub(super) fn choose_way(&mut self, proxies: &Proxy) -> Result<Option<&'static str>, ExistingError> {
        let contexts = &self.kubeconfig.contexts;
        let context = contexts.iter().find(|it| it.name == self.context).and_then(|it| it.context.as_ref());
        let wanted = context.map(|context| context.cluster.clone()).unwrap_or_default();
        let mut clusters = self.kubeconfig.clusters.iter_mut();
        let cluster = clusters.find(|it| it.name == wanted).and_then(|it| it.cluster.as_mut());
        let Some(cluster) = cluster else { return Ok(None) };
        if cluster.proxy_url.as_ref().is_some_and(|proxy| !proxy.is_empty()) {
            return Ok(Some("its proxy-url"));
        }
        let server = cluster.server.as_deref().unwrap_or_default();
        let server = server.parse().map_err(|error| ExistingError::File {
            from: self.from.clone(),
            problem: format!("its server {server:?} is no URL: {error}"),
        })?;
        let Some((variable, address)) = proxies.between(&server) else { return Ok(None) };
        cluster.proxy_url = Some(address);
        Ok(Some(variable))
    }
}

fn read(from: &str, path: &Path) -> Result<Kubeconfig, ExistingError> {
    if !path.exists() {
        let is_relative_variable = path.is_relative() && from.starts_with("KIND_TEST_KUBECONFIG");
        let here = if is_relative_variable { "; a relative path counts from the package's folder" } else { "" };
        let problem = format!("there is no file {}{here}", path.display());
        return Err(ExistingError::File { from: from.to_owned(), problem });
    }
    let text =
        kubeconfig::document(path).map_err(|source| ExistingError::Unreadable { from: from.to_owned(), source })?;
    if yaml_text::is_empty(&text) {
        return Ok(Kubeconfig::default());
    }
    let failed = |source| ExistingError::Kubeconfig { from: from.to_owned(), source };
    let mut kubeconfig = Kubeconfig::from_yaml(&text).map_err(failed)?;
    anchor(&mut kubeconfig, path.parent().unwrap_or(Path::new("")));
    Ok(kubeconfig)
}

/// Paths in a kubeconfig count from its folder.
fn anchor(kubeconfig: &mut Kubeconfig, folder: &Path) {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let anchor = |path: &mut Option<String>| {
        if let Some(path) = path.as_mut().filter(|path| !path.is_empty()) {
            *path = folder.join(path.as_str()).display().to_string();
        }
    };
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|it| it.cluster.as_mut()) {
        anchor(&mut cluster.certificate_authority);
    }
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|it| it.auth_info.as_mut()) {
        anchor(&mut user.client_certificate);
        anchor(&mut user.client_key);
        anchor(&mut user.token_file);
        // A word alone is looked for where programs are.
        let plugin = user.exec.as_mut().filter(|it| it.command.as_ref().is_some_and(|word| word.contains('/')));
        if let Some(plugin) = plugin {
            anchor(&mut plugin.command);
        }
    }
}

/// Those files that are there, as kubectl reads them together.
fn read_all(from: &str, paths: &[std::path::PathBuf]) -> Result<Kubeconfig, ExistingError> {
    let mut merged: Option<Kubeconfig> = None;
    for path in paths.iter().filter(|path| path.exists()) {
        let next = read(from, path)?;
        merged = Some(match merged {
            None => next,
            Some(merged) => {
                merged.merge(next).map_err(|source| ExistingError::Kubeconfig { from: from.to_owned(), source })?
            }
        });
    }
    merged.ok_or_else(|| {
        let problem = "there is no such file; KUBECONFIG or KIND_TEST_KUBECONFIG names another".to_owned();
        ExistingError::File { from: from.to_owned(), problem }
    })
}

/// The name of the current context, if everything that it names is there.
pub(super) fn current_context(kubeconfig: &Kubeconfig) -> Result<String, String> {
    let all = || kubeconfig.contexts.iter().map(|it| it.name.clone()).collect::<Vec<_>>().join(", ");
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let current = current
        .ok_or_else(|| format!("it has no current context; `kubectl config use-context` sets one of: {}", all()))?;
    let context = kubeconfig.contexts.iter().find(|it| it.name == current).and_then(|it| it.context.as_ref());
    let context =
        context.ok_or_else(|| format!("its current context {current:?} is not there; there are: {}", all()))?;
    if !kubeconfig.clusters.iter().any(|it| it.name == context.cluster) {
        return Err(format!("its context {current:?} names cluster {:?}, which is not there", context.cluster));
    }
    let user = context.user.as_ref().filter(|user| !kubeconfig.auth_infos.iter().any(|it| it.name == **user));
    match user {
        Some(user) => Err(format!("its context {current:?} names user {user:?}, which is not there")),
        None => Ok(current),
    }
}

/// A word that a shell reads as one.
pub(super) fn quoted(word: &dyn fmt::Display) -> String {
    let word = word.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
