//! The keeper as a process: how it leaves the test that started it, and what it is told.

use std::{path::PathBuf, pin::pin, process::ExitCode, sync::Arc, time::Duration};

use super::{Effect, Extent, Journal, Life, Phase, Sweep, SweepOutcome, Swept};
use crate::{
    lease::{
        detached::leave_session,
        error::chain,
        fate::UNKNOWN,
        folder::{Folder, Home},
        order::Order,
        provisioner::Provisioner,
        real::RealProvisioner,
        state::Found,
        step::step,
    },
    settings::Settings,
};

/// How much longer than its own cluster a keeper lives to sweep what others left.
const SWEEP: Duration = Duration::from_secs(60);

/// What a process is told that is to be a keeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeeperOrder {
    folder: PathBuf,
}

/// Whether this process is to be a keeper instead of running a test. Ask before anything else is done, and if it is,
/// give the order to [`run_keeper`] and end the process with what that returns.
pub fn keeper_order(settings: &Settings) -> Option<KeeperOrder> {
    Some(KeeperOrder { folder: settings.keeper.clone()? })
}

/// Lives a keeper's life: detaches the process, makes the cluster, watches over it, and removes it.
#[expect(clippy::needless_pass_by_value, reason = "an order is carried out once")]
pub fn run_keeper(order: KeeperOrder) -> ExitCode {
    run_with(&order, |home, order| Arc::new(RealProvisioner::of(home, order)))
}

/// As [`run_keeper`], with something else that makes clusters.
pub(in crate::lease) fn run_with(
    order: &KeeperOrder,
    provisioner: impl FnOnce(&Home, &Order) -> Arc<dyn Provisioner>,
) -> ExitCode {
    if let Err(error) = leave_session() {
        eprintln!("leave the test's session: {error}");
        return ExitCode::FAILURE;
    }
    step("left the test's session");
    match keep(order, provisioner) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keep the cluster of {}: {error}", order.folder.display());
            ExitCode::FAILURE
        }
    }
}

fn keep(order: &KeeperOrder, provisioner: impl FnOnce(&Home, &Order) -> Arc<dyn Provisioner>) -> Result<(), String> {
    let folder = Folder::at(&order.folder).ok_or("it is no state folder of a cluster")?;
    let home = folder.home().map_err(|error| error.to_string())?;
    let order = match folder.order().map_err(|error| error.to_string())? {
        Found::This(order) => order,
        Found::Nothing => return Err("it holds no order".to_owned()),
        Found::Unusable(why) => return Err(format!("its order cannot be used: {why}")),
    };
    let journal = Journal::open(&folder).map_err(|error| error.to_string())?.recording(&folder, &order);
    let provisioner = provisioner(&home, &order);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut life = Life::new(&folder, &order, &*provisioner, &journal);
        life.advance().await.map_err(|error| chain(&error))?;
        if *life.phase() == Phase::Over {
            return Ok(());
        }
        let tell = |swept: Swept| match swept.outcome {
            SweepOutcome::Gone(why) => journal.line(format_args!("sweep: {} removed: {why}", swept.what)),
            SweepOutcome::Failed(error) => journal.line(format_args!("sweep: {}: {error}", swept.what)),
            SweepOutcome::Goes(_) | SweepOutcome::Stays(_) => {}
        };
        let sweep = Sweep {
            home: &home,
            provisioner: &*provisioner,
            extent: Extent::Ownerless,
            effect: Effect::Remove,
            unknown: UNKNOWN,
            tell: &tell,
        };
        let mut swept = pin!(sweep.run(Some(&order.key)));
        let mut is_swept = false;
        let lived = {
            let mut lived = pin!(life.run());
            loop {
                tokio::select! {
                    lived = &mut lived => break lived,
                    () = &mut swept, if !is_swept => is_swept = true,
                }
            }
        };
        if !is_swept {
            // What an engine that hangs keeps it from, a later keeper does.
            let _ = tokio::time::timeout(SWEEP, swept).await;
        }
        lived.map_err(|error| chain(&error))
    })
}
