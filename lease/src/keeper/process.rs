//! The keeper as a process: what it is told, and what it does beside its life.

use std::{
    fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, pin::pin, process::ExitCode, sync::Arc,
    time::Duration,
};

use kind_core::{settings::Settings, warnings::subscribe};

use super::{Effect, Extent, Journal, Life, Phase, Sweep, SweepOutcome, Swept};
use crate::{
    error::chain,
    fate::UNKNOWN,
    folder::{Folder, Home},
    order::Order,
    provisioner::Provisioner,
    real::RealProvisioner,
    state::Found,
};

/// How much longer than its own cluster a keeper lives to sweep what others left.
const SWEEP: Duration = Duration::from_secs(60);

/// Lives a keeper's life: makes the cluster of this state folder, watches over it, and removes it.
pub(crate) fn run_keeper(folder: &Path) -> ExitCode {
    match keep(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keep the cluster of {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// What makes clusters here.
fn provisioner(home: &Home, order: &Order) -> Arc<dyn Provisioner> {
    #[cfg(test)]
    if let Some(machine) = crate::tests::machine_of_game(home) {
        return machine;
    }
    Arc::new(RealProvisioner::of(home, order))
}

fn keep(folder: &Path) -> Result<(), String> {
    let folder = Folder::at(folder).ok_or("it is no state folder of a cluster")?;
    let home = folder.home().map_err(|error| error.to_string())?;
    let order = match folder.order().map_err(|error| error.to_string())? {
        Found::This(order) => order,
        Found::Nothing => return Err("it holds no order".to_owned()),
        Found::Unusable(why) => return Err(format!("its order cannot be used: {why}")),
    };
    // Whoever waits for the cluster tells of this keeper's warnings, not of an earlier one's.
    let warnings = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.warnings());
    let log = Settings::from_environment().ok().and_then(|settings| settings.log);
    subscribe(log.as_deref(), Some(warnings.map_err(|error| error.to_string())?));
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
