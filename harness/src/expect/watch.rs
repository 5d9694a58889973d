//! Following objects by a list and a watch, over cuts of the watch, until something is found out or a limit passes.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures::StreamExt as _;
use kind_core::{
    activity,
    wait::{Pace, words_of_api},
};
use kube::{
    Client,
    api::{ListParams, WatchEvent, WatchParams},
    core::Request,
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{ExpectError, changes::Changes, describe::Secret, judge::Judged};

/// How long the API has for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a watch may be silent until another one is begun where it was: a server that hangs says nothing, either.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the last look may take, which begins when the limit is reached.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// How fast one request follows the other.
const PACE: Duration = Duration::from_millis(200);
/// How many watches may fail one after the other until everything is listed again.
const FAILURES: u32 = 3;

/// The objects that are followed, by name; of all namespaces, by namespace and name.
pub(super) type State = BTreeMap<String, Value>;

/// What is followed.
#[derive(Clone)]
pub(super) struct Followed {
    pub(super) client: Client,
    /// The path of the resource.
    pub(super) url: String,
    pub(super) fields: Option<String>,
    pub(super) labels: Option<String>,
}

/// How following ended.
pub(super) enum End<T> {
    /// It was found out.
    Found(T),
    /// The limit passed. `seen` says whether the last look had an answer.
    Passed { seen: bool },
    /// It never will be found out.
    Never,
}

/// What of it is told.
pub(super) struct Told {
    pub(super) last: String,
    pub(super) changes: Changes,
}

impl Followed {
    /// The resource's name, such as `deployments`.
    pub(super) fn plural(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn secret(&self) -> Secret {
        if self.url.starts_with("/api/v1/") && self.plural() == "secrets" { Secret::Yes } else { Secret::No }
    }

    /// Follows the objects until `judge` knows, or the limit passes.
    pub(super) async fn follow<T>(
        &self,
        what: &str,
        limit: Duration,
        mut judge: impl FnMut(&State) -> Judged<T>,
    ) -> (End<T>, Told) {
        let mut following = Following {
            followed: self,
            state: State::new(),
            version: None,
            failures: 0,
            end: Instant::now() + limit,
            pace: Pace::new(PACE),
            saw: noting(what),
            told: Told { last: "nothing, the API did not answer yet".to_owned(), changes: Changes::new(self.secret()) },
        };
        let mut judge = |state: &State, told: &mut Told| match judge(state) {
            Judged::Yes(found) => Some(End::Found(found)),
            Judged::Never(why) => {
                told.last = why;
                Some(End::Never)
            }
            Judged::NotYet(status) => {
                told.last = status;
                None
            }
        };
        let end = following.run(&mut judge).await;
        (end, following.told)
    }

    async fn list(&self) -> Result<(State, String), kube::Error> {
        let mut parameters = ListParams::default();
        parameters.field_selector.clone_from(&self.fields);
        parameters.label_selector.clone_from(&self.labels);
        let request = Request::new(&self.url).list(&parameters).map_err(kube::Error::BuildRequest)?;
        let mut list: Value = self.client.request(request).await?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let items = match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        Ok((items.into_iter().map(|item| (self.key(&item), item)).collect(), version))
    }

    fn key(&self, object: &Value) -> String {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let (namespace, name) = (text("namespace"), text("name"));
        if namespace.is_empty() || self.url.contains("/namespaces/") {
            name.to_owned()
        } else {
            format!("{namespace}/{name}")
        }
    }
}

struct Following<'a> {
    followed: &'a Followed,
    state: State,
    /// Up to where it is known; nothing where it has to be listed.
    version: Option<String>,
    failures: u32,
    end: Instant,
    pace: Pace,
    /// Tells the test's record what the last look found.
    saw: Box<dyn Fn(&str) + Send>,
    told: Told,
}

impl Following<'_> {
    async fn run<T>(&mut self, judge: &mut impl FnMut(&State, &mut Told) -> Option<End<T>>) -> End<T> {
        while timeout_at(self.end, self.pace.next()).await.is_ok() && Instant::now() < self.end {
            if self.version.is_none() {
                let until = self.end.min(Instant::now() + ANSWER);
                if let Some(end) = self.look(until, judge).await {
                    return end;
                }
            }
            if let Some(version) = self.version.clone()
                && let Some(end) = self.watch(version, judge).await
            {
                return end;
            }
        }
        // What a watch lags behind, or could not say, a list says.
        self.version = None;
        match self.look(Instant::now() + LAST_LOOK, judge).await {
            Some(end) => end,
            None => End::Passed { seen: self.version.is_some() },
        }
    }

    /// Lists everything.
    async fn look<T>(
        &mut self,
        until: Instant,
        judge: &mut impl FnMut(&State, &mut Told) -> Option<End<T>>,
    ) -> Option<End<T>> {
        match timeout_at(until, self.followed.list()).await {
            Ok(Ok((state, version))) => {
                self.told.changes.between(&self.state, &state);
                self.state = state;
                self.version = Some(version);
                self.failures = 0;
                self.judged(judge)
            }
            Ok(Err(error)) => {
                self.failed(&words_of_api(&error));
                None
            }
            Err(_) => {
                self.failed("the API does not answer");
                None
            }
        }
    }

    fn judged<T>(&mut self, judge: &mut impl FnMut(&State, &mut Told) -> Option<End<T>>) -> Option<End<T>> {
        let end = judge(&self.state, &mut self.told);
        (self.saw)(&self.told.last);
        end
    }

    fn failed(&mut self, words: &str) {
        self.told.changes.note(words);
        if self.state.is_empty() {
            words.clone_into(&mut self.told.last);
        }
    }

    /// Watches from there until the watch ends.
    async fn watch<T>(
        &mut self,
        version: String,
        judge: &mut impl FnMut(&State, &mut Told) -> Option<End<T>>,
    ) -> Option<End<T>> {
        let mut parameters = WatchParams::default();
        parameters.field_selector.clone_from(&self.followed.fields);
        parameters.label_selector.clone_from(&self.followed.labels);
        let request = match Request::new(&self.followed.url).watch(&parameters, &version) {
            Ok(request) => request,
            Err(error) => {
                self.told.last = format!("watch it: {error}");
                return Some(End::Never);
            }
        };
        let begun =
            timeout_at(self.end.min(Instant::now() + ANSWER), self.followed.client.request_events::<Value>(request));
        let stream = match begun.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.cut(&error);
                return None;
            }
            Err(_) => {
                self.again();
                return None;
            }
        };
        let mut stream = pin!(stream);
        loop {
            match timeout_at(self.end.min(Instant::now() + SILENCE), stream.next()).await {
                Ok(Some(Ok(event))) => {
                    self.failures = 0;
                    if !self.take(event) {
                        return None;
                    }
                    if let Some(end) = self.judged(judge) {
                        return Some(end);
                    }
                }
                // Its time was over, or nothing happened: the next one goes on from here.
                Ok(None) | Err(_) => return None,
                Ok(Some(Err(error))) => {
                    self.cut(&error);
                    return None;
                }
            }
        }
    }

    /// Takes an event in. Where the server has forgotten what lies between, everything has to be listed again.
    fn take(&mut self, event: WatchEvent<Value>) -> bool {
        let (object, is_there) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, true),
            WatchEvent::Deleted(object) => (object, false),
            WatchEvent::Bookmark(bookmark) => {
                self.version = Some(bookmark.metadata.resource_version);
                return true;
            }
            WatchEvent::Error(status) => {
                self.cut(&kube::Error::Api(status));
                return false;
            }
        };
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            self.version = Some(version.to_owned());
        }
        let key = self.followed.key(&object);
        let after = is_there.then_some(object);
        self.told.changes.of(&key, self.state.get(&key), after.as_ref());
        match after {
            Some(object) => drop(self.state.insert(key, object)),
            None => drop(self.state.remove(&key)),
        }
        true
    }

    /// A watch could not go on.
    fn cut(&mut self, error: &kube::Error) {
        match error {
            kube::Error::Api(status) if status.code == 410 => {
                self.told.changes.note("the API no longer had what lay between, and was asked for everything again");
                self.version = None;
            }
            error => {
                self.told.changes.note(&format!("the watch was cut ({}) and begun again", words_of_api(error)));
                self.again();
            }
        }
    }

    fn again(&mut self) {
        self.failures += 1;
        if self.failures >= FAILURES {
            self.version = None;
        }
    }
}

/// The wait is told to the test's record, for as long as this is there.
fn noting(what: &str) -> Box<dyn Fn(&str) + Send> {
    let waiting = activity::wait(&what);
    Box::new(move |status| {
        if let Some(waiting) = &waiting {
            waiting.saw(status);
        }
    })
}

impl Told {
    /// As an error.
    pub(super) fn error(self, what: String, how: String) -> ExpectError {
        ExpectError { what, how, last: self.last, changes: self.changes.told() }
    }
}
