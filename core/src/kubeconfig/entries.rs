//! A kubeconfig as data: putting in and taking out what belongs to one context. Nothing here touches files.

use serde_yaml::{Mapping, Value};

/// The lists whose items are found by name.
const LISTS: [&str; 3] = ["clusters", "users", "contexts"];

/// A field that is not what a kubeconfig has there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongShape {
    pub(super) field: &'static str,
    pub(super) found: &'static str,
    pub(super) expected: &'static str,
}

/// Takes every entry of `addition` over into `file`, in place of those of the same name, and its current context.
/// Everything else in `file` stays.
pub(super) fn merge(file: &mut Value, addition: &Value) -> Result<(), WrongShape> {
    let file = mapping(file)?;
    for (name, text) in [("apiVersion", "v1"), ("kind", "Config")] {
        file.entry(name.into()).or_insert_with(|| text.into());
    }
    for field in LISTS {
        let new = addition.get(field).and_then(Value::as_sequence).cloned().unwrap_or_default();
        let entries = list(file, field)?;
        for entry in new {
            match entries.iter_mut().find(|old| name_of(old) == name_of(&entry)) {
                Some(old) => *old = entry,
                None => entries.push(entry),
            }
        }
    }
    if let Some(context) = addition.get("current-context") {
        file.insert("current-context".into(), context.clone());
    }
    Ok(())
}

/// Takes the cluster, user and context of this name out, and the current context where it is that one. Says whether
/// there was anything.
pub(super) fn remove(file: &mut Value, name: &str) -> Result<bool, WrongShape> {
    if file.is_null() {
        return Ok(false);
    }
    let file = mapping(file)?;
    let mut changed = false;
    for field in LISTS {
        if !file.contains_key(field) {
            continue;
        }
        let entries = list(file, field)?;
        let before = entries.len();
        entries.retain(|entry| name_of(entry) != Some(name));
        changed |= entries.len() != before;
    }
    if file.get("current-context").and_then(Value::as_str) == Some(name) {
        file.insert("current-context".into(), "".into());
        changed = true;
    }
    Ok(changed)
}

fn name_of(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

/// The top of a file; an empty file is an empty mapping.
fn mapping(file: &mut Value) -> Result<&mut Mapping, WrongShape> {
    if file.is_null() {
        *file = Value::Mapping(Mapping::new());
    }
    let found = kind_of(file);
    file.as_mapping_mut().ok_or(WrongShape { field: "the top", found, expected: "a mapping" })
}

/// A list of the file; absent and null are an empty one.
fn list<'a>(file: &'a mut Mapping, field: &'static str) -> Result<&'a mut Vec<Value>, WrongShape> {
    let value = file.entry(field.into()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Sequence(Vec::new());
    }
    let found = kind_of(value);
    value.as_sequence_mut().ok_or(WrongShape { field, found, expected: "a list" })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a tagged value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = "\
apiVersion: v1
kind: Config
preferences:
  colors: true
extensions: [{name: x, extension: {a: 1}}]
clusters:
- name: prod
  cluster: {server: https://prod, unknown-field: [1, {b: '0123'}]}
- name: kind-a
  cluster: {server: https://old}
users:
- name: prod
  user: {token: '007', exec: {command: x}}
contexts:
- name: prod
  context: {cluster: prod, user: prod, namespace: n}
current-context: prod
";

    fn ours(name: &str, server: &str) -> Value {
        let text = format!(
            "clusters: [{{name: {name}, cluster: {{server: '{server}'}}}}]\nusers: [{{name: {name}, user: {{}}}}]\n\
             contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]\ncurrent-context: {name}\n"
        );
        parse(&text)
    }

    fn parse(text: &str) -> Value {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn merging_replaces_its_own_entries_and_leaves_the_others() {
        let mut file = parse(FOREIGN);
        merge(&mut file, &ours("kind-a", "https://new")).unwrap();
        assert_eq!(file["clusters"][1]["cluster"]["server"], "https://new");
        assert_eq!(file["current-context"], "kind-a");
        assert!(remove(&mut file, "kind-a").unwrap());
        let mut expected = parse(FOREIGN);
        expected["clusters"].as_sequence_mut().unwrap().pop();
        expected["current-context"] = "".into();
        assert_eq!(file, expected);
    }

    #[test]
    fn an_empty_file_becomes_a_kubeconfig() {
        for text in ["", "# nothing\n", "clusters: ~\nusers: null\n"] {
            let mut file = parse(text);
            merge(&mut file, &ours("kind-a", "https://x")).unwrap();
            assert_eq!(file["kind"], "Config");
            assert_eq!(file["users"][0]["name"], "kind-a");
        }
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let mut file = parse(FOREIGN);
        assert!(!remove(&mut file, "kind-b").unwrap());
        assert!(!remove(&mut Value::Null, "kind-b").unwrap());
        assert_eq!(file, parse(FOREIGN));
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused() {
        let addition = ours("kind-a", "https://x");
        assert_eq!(merge(&mut parse("[1]"), &addition).unwrap_err().found, "a list");
        assert_eq!(merge(&mut parse("clusters: {a: b}"), &addition).unwrap_err().field, "clusters");
        assert_eq!(remove(&mut parse("contexts: 5"), "kind-a").unwrap_err().found, "a number");
    }
}
