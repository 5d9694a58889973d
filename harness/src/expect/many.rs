//! What all objects with some labels should be.

use std::{marker::PhantomData, time::Duration};

use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ExpectError, describe,
    judge::{self, Judged},
    one::{LIMIT, read},
    watch::{End, Followed, State},
};

/// Says what all objects with these labels (such as `app=web,tier!=db`; nothing for all there are) should be: see the methods
/// of [`ExpectAll`].
pub fn expect_all<K: Resource + Clone>(api: &Api<K>, labels: &str) -> ExpectAll<K> {
    let (client, url) = (api.clone().into_client(), api.resource_url().to_owned());
    let selector = (!labels.is_empty()).then(|| labels.to_owned());
    let followed = Followed { client, url, fields: None, labels: selector };
    ExpectAll { followed, limit: LIMIT, kind: PhantomData }
}

/// Objects about which something is expected. Made by [`expect_all`]; it waits as [`Expect`](super::Expect) does.
#[must_use = "nothing is looked at before a method such as `count` is awaited"]
pub struct ExpectAll<K> {
    followed: Followed,
    limit: Duration,
    kind: PhantomData<fn() -> K>,
}

impl<K: Resource + DeserializeOwned> ExpectAll<K> {
    /// Waits so long at most.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn what(&self, what: &str) -> String {
        let which = self.followed.labels.as_ref().map(|labels| format!(" with {labels}")).unwrap_or_default();
        format!("{}{which} {what}", self.followed.plural())
    }

    async fn so(&self, what: String, mut judge: impl FnMut(&State, &[K]) -> Judged<()>) -> Result<Vec<K>, ExpectError> {
        let judge = |state: &State| {
            let all: Result<Vec<K>, String> = state.values().map(read).collect();
            match all.map(|all| (judge(state, &all), all)) {
                Ok((Judged::Yes(()), all)) => Judged::Yes(all),
                Ok((Judged::NotYet(status), _)) => Judged::NotYet(status),
                Ok((Judged::Never(why), _)) | Err(why) => Judged::Never(why),
            }
        };
        let (end, told) = self.followed.follow(&what, self.limit, judge).await;
        match end {
            End::Found(all) => Ok(all),
            End::Passed { .. } => Err(told.error(what, format!("not so within {:?}", self.limit))),
            End::Never => Err(told.error(what, "it never will".to_owned())),
        }
    }

    /// Waits until `predicate` is true of all of them together. `what` finishes the sentence, such as `to be on three nodes`.
    ///
    /// # Errors
    /// When it is not true in time.
    pub async fn to(self, what: &str, mut predicate: impl FnMut(&[K]) -> bool) -> Result<Vec<K>, ExpectError> {
        let secret = self.followed.secret();
        let judge = |state: &State, all: &[K]| {
            if predicate(all) {
                return Judged::Yes(());
            }
            Judged::NotYet(each(state, |object| Some(describe::object(object, secret))))
        };
        self.so(self.what(what), judge).await
    }

    /// Waits until there are so many.
    ///
    /// # Errors
    /// When there are more or fewer until the end.
    pub async fn count(self, count: usize) -> Result<Vec<K>, ExpectError> {
        let judge = |state: &State, all: &[K]| {
            if all.len() == count {
                return Judged::Yes(());
            }
            Judged::NotYet(format!("{}: {}", all.len(), names(state)))
        };
        self.so(self.what(&format!("to be {count}")), judge).await
    }

    /// Waits until there is at least one, and each of them has a condition, as [`Expect::condition`](super::Expect::condition)
    /// has it.
    ///
    /// # Errors
    /// When that is not so in time.
    pub async fn condition(self, condition: &str) -> Result<Vec<K>, ExpectError> {
        let judge = |state: &State, _: &[K]| {
            if state.is_empty() {
                return Judged::NotYet("there is none".to_owned());
            }
            let others = each(state, |object| match judge::condition(object, condition) {
                Judged::Yes(()) => None,
                Judged::NotYet(status) | Judged::Never(status) => Some(status),
            });
            if others.is_empty() { Judged::Yes(()) } else { Judged::NotYet(others) }
        };
        self.so(self.what(&format!("to be {condition}")), judge).await
    }

    /// Waits until none of those that are there at the first look is left.
    ///
    /// # Errors
    /// When one is still there at the end.
    pub async fn deleted(self) -> Result<(), ExpectError> {
        let uid = |object: &Value| object["metadata"]["uid"].as_str().map(ToOwned::to_owned);
        let mut first: Option<Vec<Option<String>>> = None;
        let judge = |state: &State, _: &[K]| {
            let first = first.get_or_insert_with(|| state.values().map(uid).collect());
            let left = each(state, |object| {
                let how =
                    if object["metadata"]["deletionTimestamp"].is_null() { "is there" } else { "is being deleted" };
                first.contains(&uid(object)).then(|| how.to_owned())
            });
            if left.is_empty() { Judged::Yes(()) } else { Judged::NotYet(left) }
        };
        self.so(self.what("to be gone"), judge).await.map(drop)
    }
}

fn names(state: &State) -> String {
    state.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What is said of each about which something is.
fn each(state: &State, say: impl Fn(&Value) -> Option<String>) -> String {
    let said = state.iter().filter_map(|(name, object)| Some(format!("{name}: {}", say(object)?)));
    said.collect::<Vec<_>>().join("; ")
}
