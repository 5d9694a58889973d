//! The way in: settings and a specification become an order, and the order a lease.

use std::rc::Rc;

use kind_core::{access::Access, scope::Scope, settings::Settings, spec::ClusterSpec};

use super::{
    Holder, Lease, LeaseError, acquire::Request, folder::Home, fresh::acquire_fresh, order::Order, starter::Reexecution,
};

/// Waits for a hold on a cluster of this shape, which is made where there is none.
///
/// Where a keeper is needed, the program is run again and is that keeper before its `main` begins. Dropping the future gives
/// up the wait and nothing else.
///
/// # Errors
/// When there is no engine ([`LeaseError::is_no_engine`]), the specification is not valid, the cluster cannot be brought
/// up, or the state folder cannot be used.
pub async fn acquire(
    settings: &Settings,
    spec: &ClusterSpec,
    access: Access,
    holder: &Holder,
) -> Result<Lease, LeaseError> {
    if access == Access::Fresh {
        return acquire_fresh(settings, spec, None, holder).await;
    }
    spec.validate().map_err(LeaseError::Spec)?;
    let home = Home::open_for(settings)?;
    let engine = settings.engine.address().map_err(LeaseError::Engine)?;
    let order = Order::of(settings, spec, &home.identity(), Scope::of(settings), engine);
    let starter = Rc::new(Reexecution { engine: order.engine.clone() });
    let request = Request {
        home: &home,
        order: &order,
        access,
        holder,
        keep: settings.keep,
        attempt: settings.attempt,
        wait: settings.wait,
        starter,
    };
    request.lease().await
}
