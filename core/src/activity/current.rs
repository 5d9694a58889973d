//! Which record a thread's work belongs to: each test has a thread, or the threads of its runtime, for itself.

use std::{cell::RefCell, fmt::Display, sync::Arc};

use super::record::{Activity, Under};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Activity>>> = const { RefCell::new(None) };
}

/// The thread's work belongs to a test as long as this is there.
#[derive(Debug)]
#[must_use = "dropping it ends it"]
pub struct Entered(Option<Arc<Activity>>);

/// From now on this thread's work belongs to the test.
pub fn enter(activity: &Arc<Activity>) -> Entered {
    Entered(CURRENT.with_borrow_mut(|current| current.replace(Arc::clone(activity))))
}

/// From now on, and to its end, this thread's work belongs to the test.
pub fn belong(activity: &Arc<Activity>) {
    CURRENT.with_borrow_mut(|current| *current = Some(Arc::clone(activity)));
}

impl Drop for Entered {
    fn drop(&mut self) {
        // A thread that ends may have no record any more.
        let _ = CURRENT.try_with(|current| *current.borrow_mut() = self.0.take());
    }
}

/// A wait for a condition begins. `None` where no test runs.
pub fn wait(what: &dyn Display) -> Option<Under> {
    CURRENT.with_borrow(|current| current.as_ref().map(|activity| activity.wait(what.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_belongs_to_one_test_at_a_time() {
        let (outer, inner) = (Arc::new(Activity::default()), Arc::new(Activity::default()));
        assert!(wait(&"nothing").is_none());
        let entered = enter(&outer);
        let first = wait(&"outer");
        {
            let _entered = enter(&inner);
            let _second = wait(&"inner");
            assert_eq!((outer.doing().waits.len(), inner.doing().waits.len()), (1, 1));
        }
        drop((first, entered));
        assert!(wait(&"nothing").is_none());
    }
}
