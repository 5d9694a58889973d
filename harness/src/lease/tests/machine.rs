//! A machine for clusters that are only files, which notes every breach of the rules: two clusters of one name, and a
//! cluster that goes while a living test uses it.

use std::{
    fs,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    cluster::{ClusterRecord, NodeRecord},
    lease::{
        key::Key,
        order::Order,
        process::ProcessId,
        provisioner::{CreateError, Provisioner},
    },
    provision::{Event, Progress},
    spec::{ClusterName, Role},
    wait::{self, Check},
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
        for folder in ["clusters", "users", "faults"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        Self { path: path.to_owned() }
    }

    /// How long each part of a creation takes.
    pub(super) fn slow_down(&self, part: Duration) {
        fs::write(self.path.join("slow"), part.as_millis().to_string()).unwrap();
    }

    /// Makes the next creations fail.
    pub(super) fn fail(&self, creations: u32) {
        fs::write(self.path.join("fail"), creations.to_string()).unwrap();
    }

    /// How many creations began.
    pub(super) fn creations(&self) -> usize {
        self.lines("creations").len()
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

    fn fault(&self, name: &ClusterName) -> Option<String> {
        fs::read_to_string(self.path.join("faults").join(name.as_str())).ok()
    }

    /// Whether the next creation is to fail.
    fn fails(&self) -> bool {
        let left: u32 = fs::read_to_string(self.path.join("fail")).unwrap_or_default().parse().unwrap_or(0);
        if left > 0 {
            self.fail(left - 1);
        }
        left > 0
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
pub(in crate::lease) fn record(name: &ClusterName) -> ClusterRecord {
    let node =
        NodeRecord { name: name.node(Role::ControlPlane, 0), role: Role::ControlPlane, address: Ipv4Addr::LOCALHOST };
    ClusterRecord {
        name: name.clone(),
        image: "image".to_owned(),
        kubernetes_version: "v1.0.0".to_owned(),
        nodes: vec![node],
        load_balancer: None,
        server: "https://127.0.0.1:1".to_owned(),
        kubeconfig: format!("made by {}", std::process::id()),
        created: 0,
    }
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
        for step in ["first step", "second step", "third step"] {
            progress.event(Event::Started { step });
            self.work().await;
            if step == "second step" && self.fails() {
                return Err(CreateError {
                    error: "second step: the machine was told to fail".to_owned(),
                    no_engine: None,
                });
            }
            progress.event(Event::Finished { step, elapsed: Duration::ZERO });
        }
        fs::write(folder.join("ready"), "").unwrap();
        Ok(ClusterRecord { image: order.built.clone(), ..record(&name) })
    }

    async fn destroy(&self, name: &ClusterName) -> Result<usize, String> {
        self.work().await;
        let folder = self.cluster(name);
        if !folder.exists() {
            return Ok(0);
        }
        let users = fs::read_dir(self.path.join("users").join(name.as_str())).into_iter().flatten().flatten();
        for user in users {
            let process: Option<ProcessId> =
                fs::read(user.path()).ok().and_then(|text| serde_json::from_slice(&text).ok());
            if process.is_some_and(|process| process.is_alive()) && self.fault(name).is_none() {
                self.breach(&format!("{name} goes while it is used"));
            }
        }
        let _ = fs::remove_file(self.path.join("faults").join(name.as_str()));
        fs::remove_file(folder.join("ready")).unwrap_or_default();
        self.work().await;
        fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
        Ok(1)
    }

    async fn mend(&self, record: &ClusterRecord) -> Result<(), String> {
        self.work().await;
        let whole = self.cluster(&record.name).join("ready").exists() && self.fault(&record.name).is_none();
        if whole { Ok(()) } else { Err("it is broken".to_owned()) }
    }

    async fn runs(&self, name: &ClusterName) -> Result<bool, String> {
        Ok(self.fault(name).as_deref() != Some("stopped"))
    }

    async fn made_here(&self) -> Result<Vec<Key>, String> {
        let folders = fs::read_dir(self.path.join("clusters")).unwrap().flatten();
        Ok(folders.filter_map(|entry| Key::parse(&fs::read_to_string(entry.path().join("key")).ok()?)).collect())
    }
}
