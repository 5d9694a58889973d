//! What is found out, and what is told, of scripted lists and watches.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{ConfigMap, Pod, Secret},
};
use kind_core::fake_api::{Answer, FakeApi};
use kube::{Api, Client};
use rstest::rstest;
use serde_json::{Value, json};

use super::{
    ExpectError, assert_subset,
    describe::Secret as Hidden,
    expect, expect_all,
    judge::{self, Judged},
    place::Place,
    subset::{differences, listed},
};

/// An API whose lists and watches are answered by a script; the last answer to a list is given again and again, and watches
/// that are not in the script hang.
#[derive(Clone, Default)]
struct Script {
    lists: Arc<Mutex<VecDeque<Answer>>>,
    watches: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn new(lists: impl IntoIterator<Item = Value>, watches: impl IntoIterator<Item = Answer>) -> Self {
        let list = |items: Value| {
            Answer::ok(json!({ "kind": "List", "metadata": { "resourceVersion": "1" }, "items": items }))
        };
        let lists = Arc::new(Mutex::new(lists.into_iter().map(list).collect()));
        Self { lists, watches: Arc::new(Mutex::new(watches.into_iter().collect())), asked: Arc::default() }
    }

    fn client(&self) -> Client {
        let script = self.clone();
        FakeApi::default().client(move |_, path, _| {
            script.asked.lock().unwrap().push(path.to_owned());
            if path.contains("watch=true") {
                return script.watches.lock().unwrap().pop_front().unwrap_or(Answer::Silence);
            }
            let mut lists = script.lists.lock().unwrap();
            match lists.len() {
                0 => Answer::refused(403, "pods is forbidden"),
                1 => match &lists[0] {
                    Answer::Json(code, value) => Answer::Json(*code, value.clone()),
                    _ => Answer::Silence,
                },
                _ => lists.pop_front().unwrap(),
            }
        })
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client(), "ns")
    }

    fn watches(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.contains("watch=true")).count()
    }
}

fn events<const N: usize>(events: [(&str, Value); N]) -> Answer {
    Answer::Text(events.map(|(kind, object)| format!("{}\n", json!({ "type": kind, "object": object }))).concat())
}

fn pod(version: u32, status: &Value) -> Value {
    json!({ "metadata": { "name": "web", "namespace": "ns", "uid": "u", "resourceVersion": version.to_string() }, "status": status })
}

fn ready(status: &str) -> Value {
    json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": status, "reason": "ContainersNotReady" }] })
}

fn map(text: &str) -> Value {
    json!({ "metadata": { "name": "web", "uid": "u" }, "data": { "text": text } })
}

const MOMENT: Duration = Duration::from_secs(3);

#[tokio::test(start_paused = true)]
async fn what_a_watch_tells_is_seen_and_told_in_order() {
    let script = Script::new(
        [json!([])],
        [events([
            ("ADDED", pod(2, &json!({ "phase": "Pending" }))),
            ("MODIFIED", pod(3, &ready("False"))),
            ("MODIFIED", pod(4, &ready("True"))),
        ])],
    );
    let found = expect(&script.api::<Pod>(), "web").condition("Ready").await.unwrap();
    assert_eq!(found.status.unwrap().phase.as_deref(), Some("Running"));
    assert_eq!(script.watches(), 1);
    assert!(script.asked.lock().unwrap()[0].contains("fieldSelector=metadata.name%3Dweb"));
    // The same, without the happy end.
    let script = Script::new(
        [json!([]), json!([pod(3, &ready("False"))])],
        [events([("ADDED", pod(2, &json!({ "phase": "Pending" }))), ("MODIFIED", pod(3, &ready("False")))])],
    );
    let error = expect(&script.api::<Pod>(), "web").within(MOMENT).condition("Ready").await.unwrap_err();
    assert_eq!(error.what, "pods/web to be Ready");
    assert_eq!(error.how, "not so within 3s");
    assert_eq!(error.last, "Ready=False (ContainersNotReady)");
    let changes: Vec<&str> = error.changes.iter().map(|change| change.split_once("  ").unwrap().1).collect();
    assert_eq!(
        changes,
        ["web is there", "web: Ready none → False (ContainersNotReady), status.phase \"Pending\" → \"Running\"",]
    );
    assert!(
        error.to_string().starts_with("expect pods/web to be Ready: not so within 3s; last seen: Ready=False"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_goes_on_where_it_was_and_one_too_old_begins_anew() {
    let gone = json!({ "kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version", "status": "Failure" });
    let script = Script::new(
        [json!([pod(1, &json!({}))]), json!([pod(9, &ready("True"))])],
        [
            events([(
                "BOOKMARK",
                json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "resourceVersion": "5" } }),
            )]),
            Answer::refused(500, "etcdserver: leader changed"),
            events([("ERROR", gone)]),
        ],
    );
    expect(&script.api::<Pod>(), "web").condition("Ready").await.unwrap();
    let asked = script.asked.lock().unwrap();
    let versions: Vec<&str> = asked.iter().filter_map(|path| path.split("resourceVersion=").nth(1)).collect();
    assert_eq!(versions, ["1", "5", "5"], "{asked:?}");
    assert_eq!(asked.len(), 5, "two lists: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_hangs_is_begun_again() {
    let last = events([("MODIFIED", pod(4, &ready("True")))]);
    let script = Script::new([json!([pod(1, &json!({}))])], [Answer::Silence, last]);
    let start = tokio::time::Instant::now();
    expect(&script.api::<Pod>(), "web").condition("Ready").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_is_told() {
    let script = Script::new([], []);
    let error = expect(&script.api::<Pod>(), "web").within(MOMENT).exists().await.unwrap_err();
    assert_eq!(error.last, "the API answered: pods is forbidden");
    assert_eq!(error.changes.len(), 1, "said once: {error}");
}

#[tokio::test(start_paused = true)]
async fn values_at_a_path_and_parts_of_objects() {
    let script = Script::new([json!([map("hi")])], []);
    let maps = script.api::<ConfigMap>();
    expect(&maps, "web").field("data.text", "hi").await.unwrap();
    expect(&maps, "web").field("{.data['no.such']}", Value::Null).await.unwrap();
    expect(&maps, "web").matches(json!({ "data": { "text": "hi" } })).await.unwrap();
    let last = |outcome: Result<ConfigMap, ExpectError>| outcome.unwrap_err().last;
    assert_eq!(last(expect(&maps, "web").within(MOMENT).field("data.text", 7).await), "data.text is \"hi\"");
    assert_eq!(last(expect(&maps, "web").within(MOMENT).field("data.more", 7).await), "there is no data.more");
    let error = expect(&maps, "web").field("data[", 7).await.unwrap_err();
    assert_eq!((error.how.as_str(), error.last.contains("is no path")), ("it never will", true), "{error}");
    let outcome = expect(&maps, "web").within(MOMENT).matches(json!({ "data": { "text": "ho", "more": null } })).await;
    assert_eq!(last(outcome), "data.text: expected \"ho\", found \"hi\"");
    let outcome = expect(&maps, "web").within(MOMENT).to("to greet", |map| map.data.is_none()).await;
    assert_eq!(last(outcome), "data.text \"hi\"");
}

#[tokio::test(start_paused = true)]
async fn what_secrets_hold_is_never_told() {
    let secret = |text: &str| json!({ "metadata": { "name": "s", "uid": "u" }, "data": { "token": text } });
    let watched = events([("MODIFIED", secret("aHVudGVyMg=="))]);
    let script = Script::new([json!([secret("aHVudGVyMQ==")])], [watched]);
    let error =
        expect(&script.api::<Secret>(), "s").within(MOMENT).field("data.token", "aHVudGVyMw==").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("HVudGVy"), "{error}");
    assert!(error.to_string().contains("s: data.token (hidden)"), "{error}");
    let error = expect(&script.api::<Secret>(), "s").within(MOMENT).to("to be", |_| false).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("HVudGVy"), "{error}");
    let error = expect(&script.api::<Secret>(), "s").within(MOMENT).matches(secret("x")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("HVudGVy"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn gone_is_gone_or_another_one() {
    let deleted = events([("DELETED", map("hi"))]);
    expect(&Script::new([json!([map("hi")])], [deleted]).api::<ConfigMap>(), "web").deleted().await.unwrap();
    let mut other = map("hi");
    other["metadata"]["uid"] = "v".into();
    expect(&Script::new([json!([map("hi")]), json!([other])], []).api::<ConfigMap>(), "web")
        .within(MOMENT)
        .deleted()
        .await
        .unwrap();
    let mut held = map("hi");
    held["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
    held["metadata"]["finalizers"] = json!(["example.org/hold"]);
    let error =
        expect(&Script::new([json!([held])], []).api::<ConfigMap>(), "web").within(MOMENT).deleted().await.unwrap_err();
    assert!(error.last.starts_with("it is being deleted: ") && error.last.contains("example.org/hold"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn never_sees_what_was_true_for_a_moment() {
    let moment = events([("MODIFIED", map("ho")), ("MODIFIED", map("hi"))]);
    let script = Script::new([json!([map("hi")])], [moment]);
    let says_ho = |map: &ConfigMap| map.data.as_ref().is_some_and(|data| data["text"] == "ho");
    let error = expect(&script.api::<ConfigMap>(), "web").never("to say ho", says_ho, MOMENT).await.unwrap_err();
    assert_eq!(error.what, "configmaps/web never to say ho");
    assert_eq!(error.last, "data.text \"ho\"");
    let start = tokio::time::Instant::now();
    let script = Script::new([json!([map("hi")])], []);
    expect(&script.api::<ConfigMap>(), "web").never("to say ho", says_ho, MOMENT).await.unwrap();
    assert!(start.elapsed() >= MOMENT);
    let script = Script::new([], []);
    let error = expect(&script.api::<ConfigMap>(), "web").never("to say ho", says_ho, MOMENT).await.unwrap_err();
    assert!(error.how.starts_with("nobody knows"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn many_are_counted_and_judged_together() {
    let named = |name: &str, status: &str| {
        let mut pod = pod(1, &ready(status));
        pod["metadata"]["name"] = name.into();
        pod["metadata"]["uid"] = name.into();
        pod
    };
    let script =
        Script::new([json!([named("a", "True"), named("b", "False")])], [events([("DELETED", named("b", "False"))])]);
    let pods = script.api::<Pod>();
    assert_eq!(expect_all(&pods, "app=web").condition("Ready").await.unwrap().len(), 1);
    assert!(script.asked.lock().unwrap()[0].contains("labelSelector=app%3Dweb"));
    let error = expect_all(&pods, "app=web").within(MOMENT).count(3).await.unwrap_err();
    assert_eq!((error.what.as_str(), error.last.as_str()), ("pods with app=web to be 3", "2: a, b"));
    let error = expect_all(&pods, "").within(MOMENT).condition("Ready").await.unwrap_err();
    assert_eq!((error.what.as_str(), error.last.as_str()), ("pods to be Ready", "b: Ready=False (ContainersNotReady)"));
    let error = expect_all(&pods, "").within(MOMENT).deleted().await.unwrap_err();
    assert_eq!(error.last, "a: is there; b: is there");
    let none = Script::new([json!([])], []);
    let error = expect_all(&none.api::<Pod>(), "").within(MOMENT).condition("Ready").await.unwrap_err();
    assert_eq!(error.last, "there is none");
    expect_all(&none.api::<Pod>(), "").deleted().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn events_are_those_about_the_object() {
    let event = |reason: &str| json!({ "metadata": { "name": reason, "namespace": "ns" }, "reason": reason, "involvedObject": {} });
    let script = Script::new([json!([event("Scheduled")])], [events([("ADDED", event("BackOff"))])]);
    assert_eq!(expect(&script.api::<Pod>(), "web").event("BackOff").await.unwrap().reason.as_deref(), Some("BackOff"));
    let asked = script.asked.lock().unwrap()[0].clone();
    assert!(asked.starts_with("/api/v1/namespaces/ns/events?"), "{asked}");
    assert!(asked.contains("involvedObject.kind%3DPod%2CinvolvedObject.name%3Dweb"), "{asked}");
    let error = expect(&script.api::<Pod>(), "web").within(MOMENT).event("Killing").await.unwrap_err();
    assert_eq!(error.last, "Scheduled");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_cannot_end_ends_at_once() {
    let object = json!({
        "metadata": { "name": "web", "generation": 2 },
        "status": { "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "conditions": [
            { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out" },
        ] },
    });
    let script = Script::new([json!([object])], []);
    let start = tokio::time::Instant::now();
    let error = expect(&script.api::<Deployment>(), "web").rolled_out().await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::ZERO);
    let last = "of 1 replicas 1 are updated and 0 available; there are 1; Progressing=False (ProgressDeadlineExceeded): timed out";
    assert_eq!((error.how.as_str(), error.last.as_str()), ("it never will", last));
    let job = json!({ "metadata": { "name": "web" }, "status": { "failed": 1, "conditions": [
        { "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" },
    ] } });
    let error = expect(&Script::new([json!([job])], []).api::<Job>(), "web").complete().await.unwrap_err();
    assert_eq!(error.last, "0 pods are active, 0 succeeded, 1 failed; Failed=True (BackoffLimitExceeded)");
}

/// A status of a controller that is done, unless something is changed.
fn status(kind: &str, change: impl FnOnce(&mut Value)) -> Judged<()> {
    let mut object = json!({
        "metadata": { "generation": 3 },
        "spec": { "replicas": 2 },
        "status": {
            "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
            "currentRevision": "b", "updateRevision": "b",
            "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2,
        },
    });
    change(&mut object);
    match kind {
        "Deployment" => judge::deployment(&object),
        "StatefulSet" => judge::stateful_set(&object),
        _ => judge::daemon_set(&object),
    }
}

#[rstest]
fn a_rollout_is_over_when_all_of_it_is(#[values("Deployment", "StatefulSet", "DaemonSet")] kind: &str) {
    let set =
        |pointer: &'static str, value: Value| move |object: &mut Value| *object.pointer_mut(pointer).unwrap() = value;
    assert_eq!(status(kind, |_| {}), Judged::Yes(()));
    let unseen = status(kind, set("/status/observedGeneration", json!(2)));
    assert_eq!(unseen, Judged::NotYet("its controller saw generation 2 of 3".to_owned()));
    let new = status(kind, set("/status", json!({})));
    assert_eq!(new, Judged::NotYet("its controller has not seen it yet".to_owned()));
    let available = if kind == "DaemonSet" { "/status/numberAvailable" } else { "/status/availableReplicas" };
    assert!(matches!(status(kind, set(available, json!(1))), Judged::NotYet(_)));
    let updated = match kind {
        "Deployment" => status(kind, set("/status/updatedReplicas", json!(1))),
        "StatefulSet" => status(kind, set("/status/currentRevision", json!("a"))),
        _ => status(kind, set("/status/updatedNumberScheduled", json!(1))),
    };
    assert!(matches!(updated, Judged::NotYet(_)), "{updated:?}");
    if kind != "Deployment" {
        let by_hand = status(kind, |object| object["spec"]["updateStrategy"] = json!({ "type": "OnDelete" }));
        assert!(matches!(by_hand, Judged::Never(_)));
    }
}

#[rstest]
#[case(json!({ "type": "Ready", "status": "True" }), "Ready", None)]
#[case(json!({ "type": "Ready", "status": "False" }), "Ready=False", None)]
#[case(json!({ "type": "Ready", "status": "False" }), "Ready=false", None)]
#[case(json!({ "type": "Ready", "status": "False", "message": "why" }), "Ready", Some("Ready=False: why"))]
#[case(json!({ "type": "Ready", "status": "True" }), "Synced", Some("no condition Synced; it has Ready"))]
#[case(
    json!({ "type": "Ready", "status": "True", "observedGeneration": 1 }), "Ready",
    Some("Ready=True, but the condition is of an older generation")
)]
fn conditions_are_told_apart(#[case] condition: Value, #[case] wanted: &str, #[case] missing: Option<&str>) {
    let object = json!({ "metadata": { "generation": 2 }, "status": { "conditions": [condition] } });
    let expected = missing.map_or(Judged::Yes(()), |missing| Judged::NotYet(missing.to_owned()));
    assert_eq!(judge::condition(&object, wanted), expected);
}

#[rstest]
#[case("status.phase", json!("x"))]
#[case(".status.phase", json!("x"))]
#[case("{.status.phase}", json!("x"))]
#[case("$.status.list[1]", json!(2))]
#[case("status['a.b/c']", json!(3))]
#[case("status[\"a.b/c\"]", json!(3))]
fn paths_are_read_as_kubectl_writes_them(#[case] path: &str, #[case] expected: Value) {
    let object = json!({ "status": { "phase": "x", "list": [1, 2], "a.b/c": 3 } });
    assert_eq!(Place::new(path).unwrap().of(&object), Some(&expected));
}

#[rstest]
fn what_is_no_path_is_refused(#[values("", "{}", "a..b", "a[", "a[x]", "a['b]", "a.", "[*]")] path: &str) {
    assert!(Place::new(path).is_err(), "{path}");
}

#[rstest]
#[case(json!({ "a": 1 }), "")]
#[case(json!({ "a": 2 }), "a: expected 2, found 1")]
#[case(json!({ "b": 2 }), "b: expected 2, found nothing")]
#[case(json!({ "a": null }), "a: expected nothing, found 1")]
#[case(json!({ "b": null }), "")]
#[case(json!({ "list": [1, 2] }), "")]
#[case(json!({ "list": [1] }), "list: expected 1 item, found 2 items")]
#[case(json!({ "list": [1, 3] }), "list[1]: expected 3, found 2")]
#[case(json!({ "of": [{ "name": "y", "v": 2 }] }), "")]
#[case(json!({ "of": [{ "name": "y", "v": 3 }] }), "of[y].v: expected 3, found 2")]
#[case(json!({ "of": [{ "name": "z" }] }), "of[z]: expected {\"name\":\"z\"}, found nothing")]
#[case(json!({ "a": { "b": 1 } }), "a: expected {\"b\":1}, found 1")]
#[case(json!({ "a.b/c": 1 }), "['a.b/c']: expected 1, found nothing")]
fn a_part_is_compared_by_paths(#[case] expected: Value, #[case] told: &str) {
    let actual = json!({ "a": 1, "list": [1, 2], "of": [{ "name": "x", "v": 1 }, { "name": "y", "v": 2 }] });
    assert_eq!(listed(&differences(&actual, &expected, Hidden::No)), told);
}

#[test]
#[should_panic(
    expected = "ConfigMap m is not as expected:\n  data.a: expected \"2\", found \"1\"\n  data.b: expected \"3\", found nothing"
)]
fn an_assertion_lists_what_differs() {
    let map: ConfigMap = serde_json::from_value(json!({ "metadata": { "name": "m" }, "data": { "a": "1" } })).unwrap();
    assert_subset(&map, &json!({ "data": { "a": "2", "b": "3" } }));
}
