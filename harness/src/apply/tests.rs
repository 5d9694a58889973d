//! Objects that are read, ordered and sent to a scripted cluster, which keeps what it is sent.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
};

use http::Method;
use kind_core::{
    fake_api::{Answer, FakeApi},
    wait::ApiServer,
};
use kube::Client;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Applier, ApplyError, from_path, from_value, items::Item, order::rank, shared::Shared};

/// Kinds that it knows, as `API version, plural, kind, whether it is in namespaces`.
const KINDS: [(&str, &str, &str, bool); 6] = [
    ("v1", "configmaps", "ConfigMap", true),
    ("v1", "namespaces", "Namespace", false),
    ("v1", "serviceaccounts", "ServiceAccount", true),
    ("apps/v1", "deployments", "Deployment", true),
    ("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", false),
    ("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", false),
];

/// The end of the paths, how often they are refused, and the answer.
type Refusal = (&'static str, u32, u16, &'static str);

/// A cluster that keeps what is sent to it.
#[derive(Clone, Default)]
struct Store {
    objects: Arc<Mutex<BTreeMap<String, Value>>>,
    /// What was sent, as `METHOD path`, with the manager.
    sent: Arc<Mutex<Vec<String>>>,
    /// What it refuses.
    refusal: Arc<Mutex<Option<Refusal>>>,
}

impl Store {
    fn client(&self) -> Client {
        let store = self.clone();
        FakeApi::default().client(move |method, path, body| store.answer(method, path, body))
    }

    fn answer(&self, method: &Method, path: &str, body: Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if let Some(answer) = self.discovery(path) {
            return answer;
        }
        let mut objects = self.objects.lock().unwrap();
        if method == Method::GET {
            return objects.get(path).cloned().map_or_else(not_found, Answer::ok);
        }
        let manager = query.split('&').find_map(|part| part.strip_prefix("fieldManager=")).unwrap_or_default();
        self.sent.lock().unwrap().push(format!("{method} {path} {manager}").trim_end().to_owned());
        if let Some((end, times, code, message)) = self.refusal.lock().unwrap().as_mut()
            && path.ends_with(*end)
            && *times > 0
        {
            *times -= 1;
            return Answer::refused(*code, message);
        }
        if method == Method::DELETE {
            let stays = objects.get(path).is_some_and(|object| object["metadata"]["finalizers"].is_array());
            if stays {
                objects.get_mut(path).unwrap()["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
            } else {
                objects.remove(path);
            }
            return Answer::ok(json!({ "kind": "Status", "status": "Success", "metadata": {} }));
        }
        // Annotations are kept for each manager; of the rest the last word counts.
        let mut object = body;
        if let Some(before) = objects.get(path) {
            let own = manager.rsplit("%2F").next().unwrap_or_default();
            for (key, value) in before["metadata"]["annotations"].as_object().into_iter().flatten() {
                if !key.ends_with(own) {
                    object["metadata"]["annotations"][key] = value.clone();
                }
            }
        }
        objects.insert(path.to_owned(), object.clone());
        Answer::ok(object)
    }

    fn discovery(&self, path: &str) -> Option<Answer> {
        let version = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?;
        let custom = self.objects.lock().unwrap().values().any(|object| object["kind"] == "CustomResourceDefinition");
        let known = KINDS.iter().copied().chain(custom.then_some(("example.org/v1", "greetings", "Greeting", true)));
        let of_it: Vec<Value> = known
            .filter(|kind| kind.0 == version)
            .map(|(_, name, kind, namespaced)| {
                json!({ "name": name, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": [] })
            })
            .collect();
        let is_version = version.split('/').count() <= 2 && !version.contains("namespaces");
        match (is_version, of_it.is_empty()) {
            (false, _) => None,
            (true, false) => Some(Answer::ok(json!({ "groupVersion": version, "resources": of_it }))),
            (true, true) => version.contains('.').then_some(Answer::Text404("404 page not found\n")),
        }
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }

    async fn apply(&self, holder: &str, items: Vec<Item>) -> (Result<Vec<String>, ApplyError>, Vec<Shared>) {
        let client = self.client();
        let servers = async || Ok(vec![ApiServer { name: "first".to_owned(), client: self.client() }]);
        let applier = Applier { client: &client, namespace: Some(holder), holder, servers };
        let mut shared = Vec::new();
        let outcome = applier.apply(items, |one| shared.push(one)).await;
        let names = outcome.map(|all| all.into_iter().filter_map(|object| object.metadata.name).collect());
        (names, shared)
    }
}

fn not_found() -> Answer {
    Answer::Json(
        404,
        json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "none" }),
    )
}

const ROLE: &str = "{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: reader } }";
const ROLE_PATH: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles/reader";
const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: greetings.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { kind: Greeting, plural: greetings }
  versions: [{ name: v1, served: true, storage: true }]
";

fn problem(value: impl serde::Serialize) -> String {
    from_value(value).unwrap_err().to_string()
}

fn brief(items: &[Item]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn values_texts_and_lists_become_objects() {
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "n" } });
    assert_eq!(brief(&from_value(&map).unwrap()), ["ConfigMap n/a"]);
    assert_eq!(
        brief(&from_value((&map, ROLE)).unwrap()),
        ["object 1: ConfigMap n/a", "object 2, document 1: ClusterRole reader"]
    );
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [map, map] });
    assert_eq!(brief(&from_value(&list).unwrap())[1], "item 2: ConfigMap n/a");
    // As the API gives them.
    let list =
        json!({ "apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{ "metadata": { "name": "web" } }] });
    let items = from_value(&list).unwrap();
    assert_eq!((brief(&items)[0].as_str(), items[0].group()), ("item 1: Deployment web", "apps"));
    let text = format!(
        "# nothing\n---\n---\n{ROLE}\n---\nx: &x {{ a: b }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: m }}\ndata: {{ <<: *x, c: d }}"
    );
    let items = from_value(&text).unwrap();
    assert_eq!(brief(&items), ["the text, document 2: ClusterRole reader", "the text, document 3: ConfigMap m"]);
    assert_eq!(items[1].object["data"], json!({ "a": "b", "c": "d" }));
}

#[test]
fn what_is_no_object_is_told_with_its_place() {
    assert_eq!(
        problem("deploy/web.yaml"),
        "apply the text, document 1: found the text \"deploy/web.yaml\", expected an object; files and folders are for `apply_files`"
    );
    assert_eq!(problem("--- {}\n"), "apply the text, document 1: found no kind; every object needs one");
    assert_eq!(
        problem(format!("{ROLE}\n---\nkind: Pod\n")),
        "apply the text, document 2: found no apiVersion (Pod); every object needs one"
    );
    let generated = "{ apiVersion: v1, kind: Pod, metadata: { generateName: web- } }";
    assert_eq!(
        problem(generated),
        "apply the text, document 1: found no metadata.name (Pod), expected one; `generateName` is for `create`"
    );
    assert!(problem("a: [").starts_with("apply the text, document 1: "), "{}", problem("a: ["));
    assert_eq!(problem("# nothing"), "apply the value: found no object in it");
    assert_eq!(problem([1]), "apply object 1: found a single value, expected an object with apiVersion and kind");
}

#[test]
fn files_are_read_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let object = |name: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
    assert!(matches!(from_path(folder.path()), Err(ApplyError::EmptyFolder { .. })));
    assert!(matches!(from_path(&at("absent")), Err(ApplyError::Read { .. })));
    fs::write(at("b.yml"), format!("\u{feff}---\n{}\n---\n{}", object("b"), object("c"))).unwrap();
    fs::write(at("a.json"), format!("{}\n\t{}", object("a"), object("z"))).unwrap();
    fs::write(at("notes.md"), "not this").unwrap();
    fs::create_dir(at("deeper.yaml")).unwrap();
    let names = |items: Vec<Item>| items.into_iter().map(|item| item.name).collect::<Vec<_>>();
    assert_eq!(names(from_path(folder.path()).unwrap()), ["a", "z", "b", "c"]);
    assert_eq!(names(from_path(&at("b.yml")).unwrap()), ["b", "c"]);
    fs::write(at("c.yaml"), format!("{}\n---\nkind: Pod\n", object("d"))).unwrap();
    let error = from_path(folder.path()).unwrap_err().to_string();
    assert!(error.contains("c.yaml, document 2: found no apiVersion"), "{error}");
}

#[rstest]
#[case("v1", "Namespace", "apiextensions.k8s.io/v1", "CustomResourceDefinition")]
#[case("apiextensions.k8s.io/v1", "CustomResourceDefinition", "v1", "ServiceAccount")]
#[case("v1", "ServiceAccount", "rbac.authorization.k8s.io/v1", "RoleBinding")]
#[case("rbac.authorization.k8s.io/v1", "RoleBinding", "v1", "Secret")]
#[case("v1", "ConfigMap", "v1", "Service")]
#[case("v1", "Service", "apps/v1", "Deployment")]
#[case("batch/v1", "Job", "example.org/v1", "Greeting")]
#[case("batch/v1", "Job", "serving.example.org/v1", "Service")]
#[case("example.org/v1", "Greeting", "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")]
fn the_first_comes_before_the_second(#[case] group: &str, #[case] kind: &str, #[case] later: &str, #[case] than: &str) {
    let item = |group: &str, kind: &str| {
        let object = json!({ "apiVersion": group, "kind": kind, "metadata": { "name": "x" } });
        from_value(object).unwrap().remove(0)
    };
    assert!(rank(&item(group, kind)) < rank(&item(later, than)));
}

#[tokio::test]
async fn objects_are_sent_in_order_and_returned_as_given() {
    let store = Store::default();
    let map = |name: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "other" } });
    let greeting = "{ apiVersion: example.org/v1, kind: Greeting, metadata: { name: hi } }";
    let space = "{ apiVersion: v1, kind: Namespace, metadata: { name: other } }";
    let items = from_value((greeting, map("m"), ROLE, DEFINITION, space)).unwrap();
    let (applied, shared) = store.apply("ns", items).await;
    assert_eq!(applied.unwrap(), ["hi", "m", "reader", "greetings.example.org", "other"]);
    let manager = "kind-harness%2Fns";
    let expected = [
        format!("PATCH /api/v1/namespaces/other {manager}"),
        format!("PATCH /apis/apiextensions.k8s.io/v1/customresourcedefinitions/greetings.example.org {manager}"),
        format!("PATCH {ROLE_PATH} {manager}"),
        format!("PATCH /api/v1/namespaces/other/configmaps/m {manager}"),
        "PATCH /apis/example.org/v1/namespaces/ns/greetings/hi kind-harness".to_owned(),
    ];
    assert_eq!(store.sent(), expected);
    let shared: Vec<String> = shared.iter().map(ToString::to_string).collect();
    let all = [
        "Namespace other",
        "CustomResourceDefinition greetings.example.org",
        "ClusterRole reader",
        "ConfigMap other/m",
    ];
    assert_eq!(shared, all, "what outlives the test's namespace is told, in the order in which it was made");
}

#[tokio::test]
async fn nothing_is_sent_where_something_is_unknown() {
    let store = Store::default();
    let items = from_value((ROLE, "{ apiVersion: apps/v1, kind: Deploymnt, metadata: { name: web } }")).unwrap();
    let error = store.apply("ns", items).await.0.unwrap_err().to_string();
    assert_eq!(
        error,
        "apply object 2, document 1: Deploymnt web: the cluster knows no kind Deploymnt of apps/v1; its kinds there are Deployment"
    );
    let items = from_value("{ apiVersion: example.org/v2, kind: Greeting, metadata: { name: hi } }").unwrap();
    let error = store.apply("ns", items).await.0.unwrap_err().to_string();
    assert!(
        error.ends_with("the cluster knows no kind Greeting of example.org/v2; it serves no API example.org/v2"),
        "{error}"
    );
    assert_eq!(store.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_sent_again_and_what_stays_is_told() {
    let account = || from_value("{ apiVersion: v1, kind: ServiceAccount, metadata: { name: a } }").unwrap();
    let store = Store::default();
    *store.refusal.lock().unwrap() = Some(("/a", 3, 500, "Internal error occurred: failed calling webhook \"x\""));
    assert_eq!(store.apply("ns", account()).await.0.unwrap(), ["a"]);
    assert_eq!(store.sent().len(), 4);
    *store.refusal.lock().unwrap() =
        Some(("/a", u32::MAX, 400, "admission webhook \"x\" denied the request: not on Mondays"));
    let error = store.apply("ns", account()).await.0.unwrap_err().to_string();
    assert_eq!(
        error,
        "apply the text, document 1: ServiceAccount a: the API answered: admission webhook \"x\" denied the request: not on Mondays"
    );
    assert_eq!(store.sent().len(), 5);
    *store.refusal.lock().unwrap() = Some(("/a", u32::MAX, 500, "failed calling webhook \"x\": no endpoints"));
    let error = store.apply("ns", account()).await.0.unwrap_err();
    assert!(
        std::error::Error::source(&error).unwrap().to_string().ends_with("failed calling webhook \"x\": no endpoints"),
        "{error}"
    );
}

#[tokio::test]
async fn the_last_test_that_uses_an_object_takes_it_away() {
    let store = Store::default();
    let mut first = store.apply("one", from_value(ROLE).unwrap()).await.1;
    let mut second = store.apply("two", from_value(ROLE).unwrap()).await.1;
    assert_eq!(store.apply("two", from_value(ROLE).unwrap()).await.1.len(), 0, "once for each test");
    first.remove(0).release().await.unwrap();
    let left = store.objects.lock().unwrap()[ROLE_PATH]["metadata"]["annotations"].clone();
    assert_eq!(left, json!({ "io.kind-rs.applied/two": "" }));
    second.remove(0).release().await.unwrap();
    assert!(!store.objects.lock().unwrap().contains_key(ROLE_PATH));
}

#[tokio::test]
async fn what_was_there_before_stays() {
    let store = Store::default();
    let before = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "reader" } });
    store.objects.lock().unwrap().insert(ROLE_PATH.to_owned(), before);
    let (applied, shared) = store.apply("ns", from_value(ROLE).unwrap()).await;
    assert_eq!((applied.unwrap().len(), shared.len()), (1, 0));
    assert_eq!(store.sent(), [format!("PATCH {ROLE_PATH} kind-harness")]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_go_says_what_holds_it() {
    let store = Store::default();
    let role = ROLE.replace("name: reader", "name: reader, finalizers: [example.org/hold]");
    let mut shared = store.apply("ns", from_value(role).unwrap()).await.1;
    let error = shared.remove(0).release().await.unwrap_err().to_string();
    let end = "last seen: it is being deleted; it has the finalizers example.org/hold";
    assert!(error.starts_with("wait for ClusterRole reader to be gone") && error.ends_with(end), "{error}");
    let (applied, shared) = store.apply("other", from_value(ROLE).unwrap()).await;
    let error = applied.unwrap_err();
    assert!(
        std::error::Error::source(&error).unwrap().to_string().ends_with("last seen: it is being deleted"),
        "{error}"
    );
    assert_eq!(shared.len(), 0, "nothing was made");
}
