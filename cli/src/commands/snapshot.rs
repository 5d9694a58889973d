//! `kind-rs snapshot create`, `list` and `delete`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kind_core::snapshot;

use crate::{
    args::{Form, Snapshot, SnapshotCreate, SnapshotDelete, SnapshotList},
    failure::Failure,
    output::print,
    session::Session,
    signals::Signals,
    table::{Table, span},
};

pub(crate) async fn run(session: &Session<'_>, what: Snapshot) -> Result<(), Failure> {
    match what {
        Snapshot::Create(args) => create(session, args).await,
        Snapshot::List(args) => list(session, args).await,
        Snapshot::Delete(args) => delete(session, args).await,
    }
}

async fn create(session: &Session<'_>, args: SnapshotCreate) -> Result<(), Failure> {
    let cluster = session.cluster_name(crate::args::given(args.name.name), None)?;
    let engine = session.engine().await?;
    let began = Instant::now();
    let name = args.snapshot;
    let told = |what: &str| session.console.note(&format!("snapshot {name}: {what}"));
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let made = snapshot::create(&engine, &name, &cluster, &told);
    tokio::pin!(made);
    tokio::select! {
        made = &mut made => made?,
        signal = signals.next() => {
            // It cannot be left in the middle: the cluster would stay frozen. What is made by then goes again.
            session.console.note(&format!("{signal}: letting cluster {cluster} go on; a second signal stops that, too"));
            let outcome = tokio::select! {
                made = &mut made => {
                    if made.is_ok() {
                        snapshot::delete(&*engine, &name).await?;
                    }
                    "the cluster goes on, and nothing of the snapshot is left".to_owned()
                }
                _ = signals.next() => {
                    format!("`kind-rs unpause cluster --name {cluster}` lets it go on, `kind-rs snapshot delete {name}` removes what was made")
                }
            };
            return Err(Failure::SnapshotStopped { name: name.clone(), signal, outcome });
        }
    }
    session.console.note(&format!(
        "snapshot {name} of cluster {cluster} is made ({:.1} s); `kind-rs create cluster --from-snapshot {name}` makes clusters of it",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

async fn list(session: &Session<'_>, args: SnapshotList) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let found = snapshot::list(&*engine).await?;
    if args.output == Form::Json {
        let text = serde_json::to_string_pretty(&found).expect("plain data with text keys");
        return print(&format!("{text}\n"));
    }
    if found.is_empty() {
        session.console.note("there is no snapshot");
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut table = Table::default();
    table.row(["NAME", "VERSION", "NODES", "AGE", "EXPIRES IN"]);
    for one in &found {
        let at = |time: i64| u64::try_from(time).unwrap_or_default();
        let nodes =
            if one.is_complete() { one.nodes.to_string() } else { format!("{} of {}", one.images.len(), one.nodes) };
        let age = span(Duration::from_secs(now.saturating_sub(at(one.created))));
        let left = match at(one.expires).saturating_sub(now) {
            0 => "expired".to_owned(),
            left => span(Duration::from_secs(left)),
        };
        table.row([one.name.as_str(), &one.kubernetes_version, &nodes, &age, &left]);
    }
    print(&table.text(None))
}

async fn delete(session: &Session<'_>, args: SnapshotDelete) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let images = snapshot::delete(&*engine, &args.snapshot).await?;
    session.console.note(&format!("deleted snapshot {} ({images} images)", args.snapshot));
    Ok(())
}
