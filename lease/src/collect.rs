//! The sweep that a person asks for, and the one that commands begin with. What goes and why is the keeper's sweep's.

use std::{sync::Arc, time::Duration};

use kind_core::{settings::Settings, spec::ClusterName};
use kind_engine::Engine;

use super::{
    LeaseError,
    error::chain,
    folder::Home,
    keeper::{Effect, Extent, Sweep, SweepOutcome, Swept},
    real::RealProvisioner,
    template,
};

/// Removes the clusters of this state folder that nobody needs, and the remains of killed removals; tells of each what
/// becomes of it. Nothing that a living test uses is touched, nor anything that tests of this state folder did not make.
///
/// # Errors
/// When the state folder cannot be used. What could not be removed is told and no error here.
pub async fn collect(
    settings: &Settings,
    engine: Arc<dyn Engine>,
    extent: Extent,
    effect: Effect,
    tell: &dyn Fn(Swept),
) -> Result<(), LeaseError> {
    let Some(home) = Home::of(settings)? else { return Ok(()) };
    let provisioner = RealProvisioner::on(&home, Arc::clone(&engine));
    // Keepers give a folder without an order some time. Nobody needs that: who uses it holds its lock.
    let unknown = Duration::ZERO;
    Sweep { home: &home, provisioner: &provisioner, extent, effect, unknown, tell }.run(None).await;
    // After the clusters: a template cannot go before its clones.
    if let Err(error) = template::sweep(&*engine, &home, extent, effect, tell).await {
        tell(Swept { what: "templates".to_owned(), outcome: SweepOutcome::Failed(chain(&error)) });
    }
    Ok(())
}

/// Removes a cluster of this state folder with its folder, where no test uses it; says what became of it, or `None`
/// where it is none of this state folder's.
///
/// # Errors
/// When the state folder cannot be used.
pub async fn give_up(
    settings: &Settings,
    engine: Arc<dyn Engine>,
    cluster: &ClusterName,
) -> Result<Option<SweepOutcome>, LeaseError> {
    let Some(home) = Home::of(settings)? else { return Ok(None) };
    let folders = home.folders().map_err(|source| LeaseError::File {
        action: "list the state folder",
        path: home.path().to_owned(),
        source,
    })?;
    let Some(folder) = folders.iter().find(|folder| folder.key().cluster() == *cluster) else { return Ok(None) };
    let provisioner = RealProvisioner::on(&home, engine);
    let (extent, effect, unknown) = (Extent::Spare, Effect::Remove, Duration::ZERO);
    let sweep = Sweep { home: &home, provisioner: &provisioner, extent, effect, unknown, tell: &|_| {} };
    Ok(Some(sweep.one(folder).await.unwrap_or_else(SweepOutcome::Failed)))
}

impl Home {
    /// The state folder that the environment names, made where it is missing.
    pub(super) fn open_for(settings: &Settings) -> Result<Self, LeaseError> {
        let path = settings.state_dir().map_err(LeaseError::Settings)?;
        Self::open(path).map_err(|source| LeaseError::File {
            action: "open the state folder",
            path: path.to_owned(),
            source,
        })
    }

    /// The state folder that the environment names, where it is there.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>, LeaseError> {
        let Some(path) = &settings.state_dir else { return Ok(None) };
        Self::existing(path).map_err(|source| LeaseError::File {
            action: "open the state folder",
            path: path.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use kind_engine::{ContainerSpec, FakeEngine, Labels, Outcome};

    use super::*;
    use crate::{
        key::Key,
        provisioner::Provisioner as _,
        state::Report,
        tests::{Fixture, dead, kept, settings},
    };
    use kind_core::process::ProcessId;

    impl Fixture {
        async fn collect(&self, extent: Extent, effect: Effect) -> Vec<(String, SweepOutcome)> {
            let told = RefCell::new(Vec::new());
            let settings = settings(self.root.path());
            let tell = |swept: Swept| told.borrow_mut().push((swept.what, swept.outcome));
            let engine: Arc<dyn Engine> = Arc::<FakeEngine>::clone(&self.engine);
            collect(&settings, engine, extent, effect, &tell).await.unwrap();
            told.into_inner()
        }
    }

    fn outcomes(told: &[(String, SweepOutcome)], key: &Key) -> Vec<SweepOutcome> {
        let what = format!("cluster {}", key.cluster());
        told.iter().filter(|(about, _)| *about == what).map(|(_, outcome)| outcome.clone()).collect()
    }

    #[tokio::test]
    async fn what_has_no_owner_goes_and_the_rest_stays() {
        let fixture = Fixture::new().await;
        let over = fixture.known("over", Some(dead()), None).await.key;
        let running = fixture.known("running", Some(ProcessId::current()), None).await.key;
        let unknown = Key::parse("0123456789").unwrap();
        fixture.cluster(&unknown).await;
        let told = fixture.collect(Extent::Ownerless, Effect::Remove).await;
        let why = "its run is over";
        assert_eq!(outcomes(&told, &over), [SweepOutcome::Goes(why), SweepOutcome::Gone(why)]);
        assert_eq!(outcomes(&told, &running), [SweepOutcome::Stays("its run goes on".to_owned())]);
        assert!(outcomes(&told, &unknown).contains(&SweepOutcome::Gone("nobody knows it")));
        assert!(!fixture.is_there(&over) && !fixture.is_there(&unknown) && fixture.is_there(&running));
        fixture.assert_others_stay();
    }

    #[tokio::test]
    async fn what_another_state_folder_made_and_copies_of_nodes_stay() {
        let fixture = Fixture::new().await;
        let over = fixture.known("over", Some(dead()), None).await.key;
        let nodes = fixture.engine.containers(&Labels::new()).await.unwrap();
        let node = nodes.into_iter().find(|one| one.name.starts_with(over.cluster().as_str())).unwrap();
        // Somebody starts a container from an image of the node.
        let copy = ContainerSpec { name: "debug".to_owned(), labels: node.labels, ..ContainerSpec::default() };
        fixture.engine.run_container(&copy).await.unwrap();
        fixture.collect(Extent::Spare, Effect::Remove).await;
        assert!(!fixture.is_there(&over) && fixture.engine.left().contains(&"debug".to_owned()));
        // The name alone does not make it ours.
        let engine: Arc<dyn Engine> = Arc::<FakeEngine>::clone(&fixture.engine);
        let elsewhere = ClusterName::new("kt-ffffffffff").unwrap();
        assert_eq!(RealProvisioner::on(&fixture.home, engine).destroy(&elsewhere).await, Ok(0));
        fixture.assert_others_stay();
    }

    #[tokio::test]
    async fn a_dry_run_tells_the_same_and_removes_nothing() {
        let fixture = Fixture::new().await;
        let over = fixture.known("over", Some(dead()), None).await.key;
        let unknown = Key::parse("0123456789").unwrap();
        fixture.cluster(&unknown).await;
        let trash = fixture.root.path().join("clusters/removed-0123456789-1");
        std::fs::create_dir(&trash).unwrap();
        let told = fixture.collect(Extent::Spare, Effect::Tell).await;
        assert_eq!(outcomes(&told, &over), [SweepOutcome::Goes("its run is over")]);
        assert_eq!(outcomes(&told, &unknown), [SweepOutcome::Goes("nobody knows it")]);
        let folder = (format!("folder {}", trash.display()), SweepOutcome::Goes("its removal was not finished"));
        assert!(told.contains(&folder), "{told:?}");
        assert!(fixture.is_there(&over) && trash.exists());
        assert!(!fixture.home.folder(&unknown).exists(), "a dry run makes no folder");
        fixture.collect(Extent::Ownerless, Effect::Remove).await;
        assert!(!fixture.is_there(&over) && !fixture.is_there(&unknown) && !trash.exists());
    }

    #[tokio::test]
    async fn what_is_kept_goes_only_with_the_rest_that_is_spare() {
        let fixture = Fixture::new().await;
        let order = fixture.known("over", Some(dead()), None).await;
        let folder = fixture.home.folder(&order.key);
        folder.write_report(&Report::now(1, 0, kept(&order))).unwrap();
        let told = fixture.collect(Extent::Ownerless, Effect::Remove).await;
        let [SweepOutcome::Stays(why)] = &outcomes(&told, &order.key)[..] else { panic!("{told:?}") };
        assert!(why.starts_with("it is kept for a look, for 1"), "{why}");
        fixture.collect(Extent::Spare, Effect::Remove).await;
        assert!(!fixture.is_there(&order.key));
        fixture.assert_others_stay();
    }

    #[tokio::test]
    async fn what_a_test_uses_stays_whatever_is_asked_for() {
        let fixture = Fixture::new().await;
        let order = fixture.known("user", None, None).await;
        let folder = fixture.home.folder(&order.key);
        folder.write_report(&Report::now(1, 0, kept(&order))).unwrap();
        let lock = folder.users().unwrap();
        assert!(lock.try_shared().unwrap());
        let told = fixture.collect(Extent::Spare, Effect::Remove).await;
        assert!(matches!(&outcomes(&told, &order.key)[..], [SweepOutcome::Stays(_)]), "{told:?}");
        assert!(fixture.is_there(&order.key));
        drop(lock);
        fixture.collect(Extent::Spare, Effect::Remove).await;
        assert!(!fixture.is_there(&order.key));
    }

    #[tokio::test]
    async fn what_the_engine_refuses_is_told_and_stays_for_the_next_time() {
        let fixture = Fixture::new().await;
        let over = fixture.known("over", Some(dead()), None).await.key;
        fixture.engine.when(&format!("remove {}", over.cluster()), Outcome::Refuse("busy".to_owned()));
        let told = fixture.collect(Extent::Ownerless, Effect::Remove).await;
        let last = outcomes(&told, &over).pop().unwrap();
        assert!(matches!(&last, SweepOutcome::Failed(error) if error.contains("busy")), "{last:?}");
        assert!(fixture.is_there(&over));
    }

    #[tokio::test]
    async fn a_cluster_that_is_given_up_goes_with_its_folder_unless_its_run_goes_on() {
        let fixture = Fixture::new().await;
        let (over, running) = (fixture.known("1", None, None).await.key, Some(ProcessId::current()));
        let running = fixture.known("2", running, None).await.key;
        let settings = settings(fixture.root.path());
        let engine: Arc<dyn Engine> = Arc::<FakeEngine>::clone(&fixture.engine);
        let give_up =
            async |name: &str| give_up(&settings, Arc::clone(&engine), &ClusterName::new(name).unwrap()).await.unwrap();
        assert!(matches!(give_up(over.cluster().as_str()).await, Some(SweepOutcome::Gone(_))));
        assert!(!fixture.is_there(&over));
        assert!(matches!(give_up(running.cluster().as_str()).await, Some(SweepOutcome::Stays(_))));
        assert!(fixture.is_there(&running));
        assert_eq!(give_up("kind").await, None);
        assert_eq!(give_up("kt-ffffffffff").await, None);
        fixture.assert_others_stay();
    }

    #[tokio::test]
    async fn without_a_state_folder_there_is_nothing_to_do_and_none_is_made() {
        let root = tempfile::tempdir().unwrap();
        let absent = root.path().join("absent");
        let engine = Arc::new(FakeEngine::default());
        let tell = |swept: Swept| panic!("{swept:?}");
        collect(&settings(&absent), engine, Extent::Spare, Effect::Remove, &tell).await.unwrap();
        assert!(!absent.exists());
    }
}
