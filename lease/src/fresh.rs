//! A cluster of its own for one test, as new: a clone of the template of its shape, which the first such test makes.

use std::{rc::Rc, sync::Arc};

use kind_core::{
    access::Access,
    process::ProcessId,
    scope::Scope,
    settings::Settings,
    spec::{ClusterSpec, Instance},
    warnings::warn,
};
use kind_engine::{DockerEngine, Engine};

use super::{
    Holder, Lease, LeaseError, Outcome,
    acquire::Request,
    folder::Home,
    keeper::{Effect, Extent, Swept},
    notice::Notice,
    order::Order,
    starter::Reexecution,
    template::{self, Preparation, Template},
};

/// What a template without a preparation has in it.
const AS_NEW: &str = "as-new";

/// Waits for a cluster of this shape that nobody else ever uses, prepared if that is asked for. It goes when the lease is
/// given back, or with this process.
///
/// # Errors
/// As [`acquire`](super::acquire()), and when the preparation fails.
pub async fn acquire_fresh(
    settings: &Settings,
    spec: &ClusterSpec,
    preparation: Option<&Preparation<'_>>,
    holder: &Holder,
) -> Result<Lease, LeaseError> {
    spec.validate().map_err(LeaseError::Spec)?;
    if spec.registry.is_some() {
        // Better to hear of it before a cluster was made for nothing.
        return Err(LeaseError::FreshRegistry);
    }
    let home = Home::open_for(settings)?;
    let address = settings.engine.address().map_err(LeaseError::Engine)?;
    let connected = DockerEngine::connect(&address).await.map_err(LeaseError::Engine)?;
    let engine: Arc<dyn Engine> = Arc::new(connected);
    // Runs and processes share it.
    let prepared = preparation.map_or(AS_NEW, |preparation| preparation.key);
    let scope = Scope { name: format!("template {prepared}"), owner: None };
    let key = Order::of(settings, spec, &home.identity(), scope, address.clone()).key;
    let contents = preparation.map_or(AS_NEW, |preparation| preparation.contents);
    let template = Template::new(&engine, &home, key, contents);
    let mut notice = Notice::about(format!("{}: {}", holder.test, template.name()));
    let turn = template.turn(settings.wait, &mut notice).await?;
    let order =
        Order { snapshot: turn.snapshot.clone(), ..Order::of(settings, spec, &home.identity(), own(holder), address) };
    let request = Request {
        home: &home,
        order: &order,
        access: Access::Fresh,
        holder,
        keep: settings.keep,
        attempt: settings.attempt,
        wait: settings.wait,
        starter: Rc::new(Reexecution { engine: order.engine.clone() }),
    };
    if turn.snapshot.is_some() {
        return request.lease().await;
    }
    let run = Scope::of_run(settings).name;
    if let Some(error) = template.failed_before(&run, settings.attempt) {
        return Err(LeaseError::TemplateFailed { error });
    }
    let made = make(&template, &request, preparation).await;
    match &made {
        Ok(_) => {
            drop(turn);
            sweep(&*engine, &home).await;
        }
        // Where there is no engine, tests are skipped, each for itself.
        Err(error) if error.is_no_engine().is_some() => {}
        Err(error) => {
            if let Err(source) = template.failed(&run, settings.attempt, error) {
                warn(format_args!("note in {} why a template failed: {source}", home.templates().display()));
            }
        }
    }
    made
}

/// Makes the template. The cluster that it was made from is as new, and the test's.
async fn make(
    template: &Template<'_>,
    request: &Request<'_>,
    preparation: Option<&Preparation<'_>>,
) -> Result<Lease, LeaseError> {
    let lease = request.lease().await?;
    let cluster = lease.record().name.clone();
    if let Some(preparation) = preparation
        && let Err(error) = (preparation.run)(lease.record()).await
    {
        lease.release(Outcome::Failed).await;
        return Err(LeaseError::Prepare { name: preparation.name.to_owned(), cluster, error });
    }
    match template.keep(&cluster).await {
        Ok(()) => Ok(lease),
        Err(error) => {
            lease.release(Outcome::Passed).await;
            Err(error)
        }
    }
}

/// Removes templates that nobody uses any more: now is when there is one more of them.
async fn sweep(engine: &dyn Engine, home: &Home) {
    // Most often what stays has a clone that runs; a later sweep removes it.
    let tell = |swept: Swept| tracing::debug!("{}: {:?}", swept.what, swept.outcome);
    if let Err(error) = template::sweep(engine, home, Extent::Ownerless, Effect::Remove, &tell).await {
        tracing::debug!("templates were not swept: {error}");
    }
}

/// This test's alone: no other order has the same key.
fn own(holder: &Holder) -> Scope {
    Scope { name: format!("test {} ({})", holder.test, Instance::new()), owner: Some(ProcessId::current()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{acquire, tests::settings};

    #[tokio::test]
    async fn what_a_snapshot_does_not_hold_is_refused_before_anything_is_made() {
        let state = tempfile::tempdir().unwrap();
        let (settings, spec) = (settings(state.path()), ClusterSpec::default().registry());
        let holder = Holder { test: "a::b".to_owned() };
        let refused = acquire(&settings, &spec, Access::Fresh, &holder).await.unwrap_err();
        assert!(matches!(refused, LeaseError::FreshRegistry), "{refused}");
        assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
    }
}
