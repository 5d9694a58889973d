//! What was made for one test, each thing once, and what is to be taken down after it.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    error::Error,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

type Made = Arc<OnceCell<Box<dyn Any + Send + Sync>>>;
/// Takes something down, on the test's own thread.
pub(super) type TakingDown = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>>>>;
type Teardown = Box<dyn FnOnce() -> TakingDown + Send>;

/// The fixtures of one test.
#[derive(Default)]
pub(super) struct Fixtures {
    made: Mutex<HashMap<TypeId, Made>>,
    /// The last comes first.
    teardowns: Mutex<Vec<(String, Teardown)>>,
}

impl Fixtures {
    /// The one of this type, made by whoever asks first; the others wait for it. One that failed is made again.
    pub(super) async fn get<T, E>(&self, make: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        let cell = Arc::clone(locked(&self.made).entry(TypeId::of::<T>()).or_default());
        let fixture = cell
            .get_or_try_init(|| async { make.await.map(|value| Box::new(value) as Box<dyn Any + Send + Sync>) })
            .await?;
        match fixture.downcast_ref::<T>() {
            Some(value) => Ok(value.clone()),
            None => unreachable!("the cell is filed under the type of what is in it"),
        }
    }

    /// This is to be done after the test.
    pub(super) fn on_end(&self, what: String, teardown: Teardown) {
        locked(&self.teardowns).push((what, teardown));
    }

    /// What is to be done next, and what that takes down.
    pub(super) fn next_teardown(&self) -> Option<(String, TakingDown)> {
        let (what, teardown) = locked(&self.teardowns).pop()?;
        Some((what, teardown()))
    }

    /// Lets go of everything. Fixtures may hold the test's context, which holds them.
    pub(super) fn forget(&self) {
        // Dropped when it is no longer locked: what is dropped may ask for something.
        let made = std::mem::take(&mut *locked(&self.made));
        drop(made);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
