//! What a kubelet refuses only when it starts: found in the patched documents, before there is a node.

use serde_json::Value;

use crate::spec::{DocumentKind, KubeadmPatches, check_label};

/// Arguments whose value is a list of `NAME=VALUE` with commas between them.
pub(super) const LISTS: [&str; 3] = ["node-labels", "feature-gates", "runtime-config"];

/// Checks the arguments that a node's registration gives its kubelet; the error says what is wrong.
pub(super) fn check_arguments(registration: &Value) -> Result<(), String> {
    for argument in registration["kubeletExtraArgs"].as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (argument["name"].as_str(), argument["value"].as_str()) else { continue };
        let hint = if LISTS.contains(&name) { "; expected NAME=VALUE, with commas between several" } else { "" };
        // kubeadm writes them into one line, which systemd splits.
        if value.contains(char::is_whitespace) && !value.contains(['"', '\'']) {
            return Err(format!("the kubelet's argument {name} has a blank in {value:?}, at which it is split{hint}"));
        }
        if name != LISTS[0] {
            continue;
        }
        for label in value.split(',').filter(|label| !label.is_empty()) {
            // A name alone is a label without a value.
            let (key, word) = label.split_once('=').unwrap_or((label, ""));
            check_label(key, word).map_err(|expected| format!("{name}: found {label}, expected {expected}{hint}"))?;
        }
    }
    Ok(())
}

/// Checks that a kubelet that hands out whole processors keeps some for the system, without which it ends at once.
/// `shared` is the document that the nodes share, `own` are the node's patches of it, which kubeadm applies.
pub(super) fn check_processors(shared: &Value, own: &KubeadmPatches, registration: &Value) -> Result<(), String> {
    let mut settings = shared.clone();
    let kind = DocumentKind::KubeletConfiguration;
    for patch in own.merge.iter().filter(|patch| patch.kind == kind && !patch.is_for_others()) {
        json_patch::merge(&mut settings, &patch.content);
    }
    for patch in own.json.iter().filter(|patch| patch.kind == kind && !patch.is_for_others()) {
        // What kubeadm adds to the document is not in it here: a patch of that changes nothing that is looked at.
        let mut changed = settings.clone();
        if json_patch::patch_unsafe(&mut changed, &patch.operations).is_ok() {
            settings = changed;
        }
    }
    let arguments = registration["kubeletExtraArgs"].as_array();
    let argument = |name: &str| {
        let found = arguments.into_iter().flatten().rfind(|argument| argument["name"] == name);
        found.and_then(|argument| argument["value"].as_str())
    };
    let policy = argument("cpu-manager-policy").or(settings["cpuManagerPolicy"].as_str());
    if policy != Some("static") {
        return Ok(());
    }
    let some = |quantity: &str| quantity.contains(|digit: char| ('1'..='9').contains(&digit));
    let listed = argument("reserved-cpus").or(settings["reservedSystemCPUs"].as_str());
    let reserves = |name: &str, field: &str| match argument(name) {
        Some(list) => list.split(',').filter_map(|one| one.strip_prefix("cpu=")).any(some),
        None => match &settings[field]["cpu"] {
            Value::String(quantity) => some(quantity),
            Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
            _ => false,
        },
    };
    if listed.is_some_and(|list| !list.is_empty())
        || reserves("kube-reserved", "kubeReserved")
        || reserves("system-reserved", "systemReserved")
    {
        return Ok(());
    }
    Err("cpuManagerPolicy static: a kubelet ends at once where no processors are reserved; set reservedSystemCPUs, or \
         `cpu` in kubeReserved or systemReserved"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::spec::MergePatch;

    #[rstest]
    #[case("node-labels", "a=b,example.com/c=d", "")]
    #[case("node-labels", "a=", "")]
    #[case("node-labels", "a=b,", "")]
    #[case(
        "node-labels",
        "ingress-ready: true",
        "has a blank in \"ingress-ready: true\", at which it is split; expected NAME=VALUE"
    )]
    #[case("node-labels", "a", "")]
    #[case("node-labels", "ingress-ready,a=b", "")]
    #[case("node-labels", "ingress-ready:true", "found ingress-ready:true, expected a label's name")]
    #[case("node-labels", "a=b,x:y", "found x:y, expected a label's name")]
    #[case("node-labels", "a=b:c", "found a=b:c, expected a label's value")]
    #[case("node-labels", "a/b/c=d", "expected a label's name")]
    #[case("node-labels", "node-role.kubernetes.io/x=", "expected a label that a kubelet may set")]
    #[case("system-reserved", "memory=256Mi, cpu=1", "the kubelet's argument system-reserved has a blank")]
    #[case("eviction-hard", "memory.available<100Mi", "")]
    #[case("x", "'a b'", "")]
    fn arguments(#[case] name: &str, #[case] value: &str, #[case] expected: &str) {
        let registration = json!({"kubeletExtraArgs": [{"name": "v", "value": "4"}, {"name": name, "value": value}]});
        let text = check_arguments(&registration).err().unwrap_or_default();
        assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{text}");
    }

    #[rstest]
    #[case(json!({}), json!({}), &[], true)]
    #[case(json!({"cpuManagerPolicy": "static"}), json!({}), &[], false)]
    #[case(json!({}), json!({"cpuManagerPolicy": "static"}), &[], false)]
    #[case(json!({"cpuManagerPolicy": "static"}), json!({"cpuManagerPolicy": "none"}), &[], true)]
    #[case(json!({"cpuManagerPolicy": "static"}), json!({"kubeReserved": {"cpu": "200m"}}), &[], true)]
    #[case(json!({"cpuManagerPolicy": "static", "systemReserved": {"cpu": 1}}), json!({}), &[], true)]
    #[case(json!({"cpuManagerPolicy": "static", "systemReserved": {"cpu": "0"}}), json!({}), &[], false)]
    #[case(json!({"cpuManagerPolicy": "static", "kubeReserved": {"memory": "1Gi"}}), json!({}), &[], false)]
    #[case(json!({"cpuManagerPolicy": "static", "reservedSystemCPUs": "0"}), json!({}), &[], true)]
    #[case(json!({}), json!({}), &[("cpu-manager-policy", "static")], false)]
    #[case(json!({}), json!({}), &[("cpu-manager-policy", "static"), ("kube-reserved", "memory=1Gi,cpu=1")], true)]
    #[case(json!({"cpuManagerPolicy": "static"}), json!({}), &[("reserved-cpus", "0-1")], true)]
    fn processors(#[case] shared: Value, #[case] own: Value, #[case] arguments: &[(&str, &str)], #[case] fine: bool) {
        let patch = MergePatch { api_version: None, kind: DocumentKind::KubeletConfiguration, content: own };
        let own = KubeadmPatches { merge: vec![patch], json: Vec::new() };
        let arguments: Value = arguments.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let checked = check_processors(&shared, &own, &json!({"kubeletExtraArgs": arguments}));
        assert_eq!(checked.is_ok(), fine, "{checked:?}");
    }
}
