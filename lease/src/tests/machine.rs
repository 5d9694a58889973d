//! A machine for clusters that are only files, which notes every breach of the rules: two clusters of one name, and a
//! cluster that goes while a living test uses it.

use std::{
    fs,
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use kind_core::{
    cluster::{ClusterRecord, NodeRecord},
    process::ProcessId,
    provision::{Event, Progress},
    spec::{ClusterName, Role},
    wait::{self, Check},
    warnings,
};

use crate::{
    key::Key,
    order::Order,
    provisioner::{CreateError, Provisioner},
    runs::Runs,
    step::step,
};

/// The machine of a folder. Any number of processes may have one for the same folder.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    path: PathBuf,
}

/// A test that uses a cluster.
pub(super) struct Use(PathBuf);

impl Machine {
    pub(super) fn at(path: &Path) -> Self {
        for folder in ["clusters", "users", "faults", "obstacles"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        Self { path: path.to_owned() }
    }

    /// How long each part of a creation takes.
    pub(super) fn slow_down(&self, part: Duration) {
        fs::write(self.path.join("slow"), part.as_millis().to_string()).unwrap();
    }

    /// Makes every creation warn of something.
    pub(super) fn warn_of(&self, what: &str) {
        fs::write(self.path.join("warning"), what).unwrap();
    }

    /// Makes the next creations fail.
    pub(super) fn fail(&self, creations: u32) {
        self.refuse("second step", creations);
    }

    /// Makes an operation, or a step of a creation, fail so many times.
    pub(super) fn refuse(&self, operation: &str, times: u32) {
        fs::write(self.path.join("obstacles").join(operation), times.to_string()).unwrap();
    }

    /// How often an operation is still to fail.
    pub(super) fn refusals_left(&self, operation: &str) -> u32 {
        let left = fs::read_to_string(self.path.join("obstacles").join(operation)).unwrap();
        left.parse().unwrap()
    }

    /// Makes an operation never end.
    pub(super) fn hang(&self, operation: &str) {
        fs::write(self.path.join("obstacles").join(operation), "hang").unwrap();
    }

    /// Makes everything fail from the end of a creation's step on, as if the engine had gone.
    pub(super) fn lose_engine_at(&self, step: &str) {
        fs::write(self.path.join("obstacles").join(step), "gone").unwrap();
    }

    /// The engine is started again, and with it all nodes.
    pub(super) fn restart(&self) {
        self.append("restarts", "again");
    }

    /// Somebody who is no test is connected to all clusters, or is not any more.
    pub(super) fn connect(&self, connected: bool) {
        let path = self.path.join("connected");
        if connected { fs::write(path, "").unwrap() } else { fs::remove_file(path).unwrap() }
    }

    /// Whether a cluster is frozen.
    pub(super) fn is_frozen(&self, name: &ClusterName) -> bool {
        self.cluster(name).join("frozen").exists()
    }

    /// Nothing fails or hangs any more.
    pub(super) fn recover(&self) {
        for entry in fs::read_dir(self.path.join("obstacles")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    /// How many creations began.
    pub(super) fn creations(&self) -> usize {
        self.lines("creations").len()
    }

    /// The namespaces that were deleted for their tests, with their clusters.
    pub(super) fn deleted_namespaces(&self) -> Vec<String> {
        self.lines("namespaces")
    }

    /// The clusters that are there, even in parts.
    pub(super) fn clusters(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path.join("clusters")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Puts a cluster there that nobody here made.
    pub(super) fn plant(&self, key: &str) {
        let folder = self.path.join("clusters").join(format!("kt-{key}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("key"), key).unwrap();
    }

    /// Stops or breaks a cluster.
    pub(super) fn damage(&self, name: &ClusterName, fault: &str) {
        fs::write(self.path.join("faults").join(name.as_str()), fault).unwrap();
    }

    /// Stops or breaks all clusters.
    pub(super) fn damage_all(&self, fault: &str) {
        for cluster in self.clusters() {
            fs::write(self.path.join("faults").join(cluster), fault).unwrap();
        }
    }

    /// Uses a cluster, and says so if it is not there.
    pub(super) fn enter(&self, name: &ClusterName) -> Use {
        static USES: AtomicU32 = AtomicU32::new(0);
        let process = ProcessId::current();
        let folder = self.path.join("users").join(name.as_str());
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{}-{}", process.pid(), USES.fetch_add(1, Ordering::Relaxed)));
        fs::write(&path, serde_json::to_string(&process).unwrap()).unwrap();
        if !self.path.join("clusters").join(name.as_str()).join("ready").exists() {
            self.breach(&format!("{name} is used and not ready"));
        }
        if self.is_frozen(name) {
            self.breach(&format!("{name} is used and frozen"));
        }
        Use(path)
    }

    pub(super) fn assert_no_breach(&self) {
        assert_eq!(self.lines("breaches"), Vec::<String>::new());
    }

    fn lines(&self, file: &str) -> Vec<String> {
        fs::read_to_string(self.path.join(file)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn append(&self, file: &str, line: &str) {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(self.path.join(file)).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn breach(&self, text: &str) {
        self.append("breaches", text);
    }

    fn cluster(&self, name: &ClusterName) -> PathBuf {
        self.path.join("clusters").join(name.as_str())
    }

    /// How many living processes use a cluster.
    fn users(&self, name: &ClusterName) -> usize {
        let users = fs::read_dir(self.path.join("users").join(name.as_str())).into_iter().flatten().flatten();
        let process = |user: fs::DirEntry| serde_json::from_slice::<ProcessId>(&fs::read(user.path()).ok()?).ok();
        users.filter_map(process).filter(ProcessId::is_alive).count()
    }

    fn fault(&self, name: &ClusterName) -> Option<String> {
        fs::read_to_string(self.path.join("faults").join(name.as_str())).ok()
    }

    /// What is in the way of an operation, if anything is.
    async fn try_to(&self, operation: &str) -> Result<(), CreateError> {
        let obstacles = self.path.join("obstacles");
        let of = |name: &str| fs::read_to_string(obstacles.join(name)).unwrap_or_default();
        let obstacle = of(operation);
        if obstacle == "gone" {
            fs::write(obstacles.join("everything"), "gone").unwrap();
        }
        if of("everything") == "gone" {
            let reason = "the engine is gone".to_owned();
            return Err(CreateError { error: format!("{operation}: {reason}"), no_engine: Some(reason) });
        }
        if obstacle == "hang" {
            let recovered = wait::until_every(Duration::from_millis(5), "recovery", Duration::MAX, async || {
                if of(operation) == "hang" { Check::not_yet("it hangs") } else { Check::Done(()) }
            });
            recovered.await.unwrap();
        }
        let left: u32 = obstacle.parse().unwrap_or(0);
        if left == 0 {
            return Ok(());
        }
        self.refuse(operation, left - 1);
        Err(CreateError { error: format!("{operation}: the machine was told to fail"), no_engine: None })
    }

    async fn work(&self) {
        let milliseconds: u64 = fs::read_to_string(self.path.join("slow")).unwrap_or_default().parse().unwrap_or(0);
        let mut first = true;
        let every = Duration::from_millis(milliseconds);
        let done = wait::until_every(every, "the work", Duration::from_secs(60), async || {
            tokio::task::yield_now().await;
            if std::mem::take(&mut first) { Check::not_yet("it is going on") } else { Check::Done(()) }
        });
        done.await.unwrap();
    }
}

/// The record of a cluster with one node.
pub(crate) fn record(name: &ClusterName) -> ClusterRecord {
    let kubeconfig = format!("made by {}", std::process::id());
    let mut record = ClusterRecord::existing(name.clone(), "https://127.0.0.1:1".to_owned(), kubeconfig);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    record.nodes = vec![NodeRecord::new(name.node(Role::ControlPlane, 0), Role::ControlPlane, address)];
    record.image = "image".to_owned();
    record.kubernetes_version = "v1.0.0".to_owned();
    record
}

impl Use {
    pub(super) fn leave(self) {
        fs::remove_file(self.0).unwrap();
    }
}

#[async_trait(?Send)]
impl Provisioner for Machine {
    async fn create(&self, order: &Order, progress: &dyn Progress) -> Result<ClusterRecord, CreateError> {
        let name = order.key.cluster();
        let folder = self.cluster(&name);
        self.append("creations", &format!("{name} by {}", std::process::id()));
        if folder.exists() {
            self.breach(&format!("{name} is made while it is there"));
        }
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("key"), order.key.as_str()).unwrap();
        step("began to make the cluster");
        if let Ok(text) = fs::read_to_string(self.path.join("warning")) {
            warnings::warn(text);
        }
        for name in ["first step", "second step", "third step"] {
            progress.event(Event::Started { step: name });
            self.work().await;
            self.try_to(name).await?;
            progress.event(Event::Finished { step: name, elapsed: Duration::ZERO });
        }
        fs::write(folder.join("ready"), "").unwrap();
        step("made the cluster");
        let mut record = record(&name);
        record.image.clone_from(&order.built);
        Ok(record)
    }

    async fn destroy(&self, name: &ClusterName) -> Result<usize, String> {
        self.work().await;
        self.try_to("destroy").await.map_err(|refused| refused.error)?;
        let folder = self.cluster(name);
        if !folder.exists() {
            return Ok(0);
        }
        if self.users(name) > 0 && self.fault(name).is_none() {
            self.breach(&format!("{name} goes while it is used"));
        }
        let _ = fs::remove_file(self.path.join("faults").join(name.as_str()));
        fs::remove_file(folder.join("ready")).unwrap_or_default();
        step("removed a part of the cluster");
        self.work().await;
        fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
        step("removed the cluster");
        Ok(1)
    }

    async fn mend(&self, record: &ClusterRecord) -> Result<(), String> {
        self.work().await;
        self.try_to("mend").await.map_err(|refused| refused.error)?;
        let whole = self.cluster(&record.name).join("ready").exists() && self.fault(&record.name).is_none();
        if whole { Ok(()) } else { Err("it is broken".to_owned()) }
    }

    async fn pause(&self, record: &ClusterRecord) -> Result<(), String> {
        self.work().await;
        self.try_to("pause").await.map_err(|refused| refused.error)?;
        if self.users(&record.name) > 0 {
            self.breach(&format!("{} is frozen while it is used", record.name));
        }
        fs::write(self.cluster(&record.name).join("frozen"), "").map_err(|error| error.to_string())?;
        step("froze the cluster");
        Ok(())
    }

    async fn resume(&self, record: &ClusterRecord) -> Result<(), String> {
        self.work().await;
        self.try_to("resume").await.map_err(|refused| refused.error)?;
        fs::remove_file(self.cluster(&record.name).join("frozen")).unwrap_or_default();
        step("let the cluster go on");
        self.mend(record).await
    }

    fn is_connected(&self, _: &ClusterRecord) -> bool {
        self.path.join("connected").exists()
    }

    async fn delete_namespace(&self, record: &ClusterRecord, namespace: &str) -> Result<(), String> {
        self.try_to("delete namespace").await.map_err(|refused| refused.error)?;
        self.append("namespaces", &format!("{}/{namespace}", record.name));
        Ok(())
    }

    async fn runs(&self, name: &ClusterName) -> Result<Runs, String> {
        self.try_to("runs").await.map_err(|refused| refused.error)?;
        if self.fault(name).as_deref() == Some("stopped") {
            return Ok(Runs::default());
        }
        let since = fs::read_to_string(self.path.join("restarts")).unwrap_or_default();
        Ok([(name.as_str(), since)].into_iter().collect())
    }

    async fn made_here(&self) -> Result<Vec<Key>, String> {
        self.try_to("made_here").await.map_err(|refused| refused.error)?;
        let folders = fs::read_dir(self.path.join("clusters")).unwrap().flatten();
        Ok(folders.filter_map(|entry| Key::parse(&fs::read_to_string(entry.path().join("key")).ok()?)).collect())
    }
}
