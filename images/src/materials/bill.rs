//! The bill of materials, in the form of `CycloneDX` 1.6 (<https://cyclonedx.org/docs/1.6/json/>). Pure functions; the same
//! contents make the same text.

use serde_json::{Value, json};

/// A part of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) version: String,
    /// What package managers call it, such as `pkg:golang/…`.
    pub(super) purl: String,
    /// Where its licences lie in the image.
    pub(super) licences: Vec<String>,
    /// The programs that have it in them; none where it stands by itself.
    pub(super) programs: Vec<String>,
}

/// Writes it for an image.
pub(super) fn write(image: &str, version: &str, parts: &[Part]) -> String {
    let components: Vec<Value> = parts.iter().map(component).collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": { "type": "container", "name": image, "version": version } },
        "components": components,
    });
    format!("{bill:#}\n")
}

fn component(part: &Part) -> Value {
    let property = |name: &str, value: &String| json!({ "name": format!("kind-rs:{name}"), "value": value });
    let licences = part.licences.iter().map(|path| property("licence", path));
    let programs = part.programs.iter().map(|program| property("program", program));
    json!({
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
        "properties": licences.chain(programs).collect::<Vec<_>>(),
    })
}

/// The package URL of a Go module.
pub(super) fn go_purl(path: &str, version: &str) -> String {
    format!("pkg:golang/{}@{}", encoded(path), encoded(version))
}

/// The package URL of a Debian package.
pub(super) fn debian_purl(name: &str, version: &str, architecture: &str) -> String {
    format!("pkg:deb/debian/{}@{}?arch={architecture}", encoded(name), encoded(version))
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_encoded() {
        assert_eq!(go_purl("github.com/a/b", "v2.0.0+incompatible"), "pkg:golang/github.com/a/b@v2.0.0%2Bincompatible");
        assert_eq!(debian_purl("libstdc++6", "1:12", "amd64"), "pkg:deb/debian/libstdc%2B%2B6@1%3A12?arch=amd64");
    }

    #[test]
    fn parts_say_where_their_licences_are_and_what_has_them() {
        let part = Part {
            name: "a".into(),
            version: "v1".into(),
            purl: go_purl("a", "v1"),
            licences: vec!["/l".into()],
            programs: vec!["kubelet".into()],
        };
        let bill: Value = serde_json::from_str(&write("node", "v1.37.2", &[part])).unwrap();
        assert_eq!(bill["bomFormat"], "CycloneDX");
        assert_eq!(bill["components"][0]["purl"], "pkg:golang/a@v1");
        let properties = json!([
            { "name": "kind-rs:licence", "value": "/l" },
            { "name": "kind-rs:program", "value": "kubelet" },
        ]);
        assert_eq!(bill["components"][0]["properties"], properties);
    }
}
