//! The node image: the payload image and the files that make a node of it, units, scripts, settings and manifests.

use std::{fs, io, path::Path};

use kind_engine::{Engine, Privileges};

use crate::{
    BuildError, Release, Step,
    archive::Layer,
    cache::file,
    container::BuildContainer,
    embedded::{self, NODE},
    pod_images::{HELPER_IMAGE, pause_image, policies_image, provisioner_image},
    reference::{labels, node_image_reference, payload_image_reference},
    workshop::Workshop,
};

const STEP: Step = Step::NodeImage;

/// Where each file goes in a node, and with which permissions.
const PLACES: &[(&str, &str, u32)] = &[
    ("manifests/default-cni.yaml", "/kind/manifests/default-cni.yaml", 0o644),
    ("manifests/default-storage.yaml", "/kind/manifests/default-storage.yaml", 0o644),
    ("manifests/network-policies.yaml", "/kind/manifests/network-policies.yaml", 0o644),
    ("node/cni.conflist.template", "/etc/containerd/cni.conflist.template", 0o644),
    ("node/containerd.toml", "/etc/containerd/config.toml", 0o644),
    ("node/crictl.yaml", "/etc/crictl.yaml", 0o644),
    ("node/entrypoint", "/usr/local/bin/entrypoint", 0o755),
    ("node/image-store", "/usr/local/lib/kind-rs/image-store", 0o755),
    ("node/kubelet-cgroups", "/usr/local/lib/kind-rs/kubelet-cgroups", 0o755),
    ("node/name-service", "/usr/local/lib/kind-rs/name-service", 0o755),
    ("node/network", "/usr/local/lib/kind-rs/network", 0o755),
    ("node/pod-neighbour", "/opt/cni/bin/pod-neighbour", 0o755),
    ("node/policies", "/usr/local/lib/kind-rs/policies", 0o755),
    ("node/proxies", "/usr/local/lib/kind-rs/proxies", 0o755),
    ("node/units/10-kubeadm.conf", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 0o644),
    ("node/units/containerd.service", "/usr/lib/systemd/system/containerd.service", 0o644),
    ("node/units/journald.conf", "/usr/lib/systemd/journald.conf.d/50-kind-rs.conf", 0o644),
    ("node/units/kind-rs-network.path", "/usr/lib/systemd/system/kind-rs-network.path", 0o644),
    ("node/units/kind-rs-network.service", "/usr/lib/systemd/system/kind-rs-network.service", 0o644),
    ("node/units/kind-rs-policies.path", "/usr/lib/systemd/system/kind-rs-policies.path", 0o644),
    ("node/units/kind-rs-policies.service", "/usr/lib/systemd/system/kind-rs-policies.service", 0o644),
    ("node/units/kubelet.service", "/usr/lib/systemd/system/kubelet.service", 0o644),
    ("node/units/kubelet.slice", "/usr/lib/systemd/system/kubelet.slice", 0o644),
    ("node/units/system.conf", "/usr/lib/systemd/system.conf.d/50-kind-rs.conf", 0o644),
];

/// Units that every node starts.
const ENABLED: [&str; 4] = ["containerd.service", "kubelet.service", "kind-rs-network.path", "kind-rs-policies.path"];

/// Makes the node image.
pub(crate) async fn make(workshop: &Workshop<'_>, engine: &dyn Engine) -> Result<(), BuildError> {
    let release = workshop.release();
    let tar = workshop.cache.work("node", STEP)?.join("files.tar");
    write_files(&tar, release).map_err(file(STEP, "write", &tar))?;
    let payload = payload_image_reference(release);
    let container = BuildContainer::run(engine, STEP, &payload, workshop, Privileges::Default).await?;
    let work = async {
        container.unpack(&tar).await?;
        container.commit(&node_image_reference(release), &changes(release)).await
    };
    let result = work.await;
    container.close(result).await
}

/// What decides what the image is, beside the files themselves.
pub(crate) fn tables(release: &Release) -> [(&'static str, String); 4] {
    [
        ("places", format!("{PLACES:?}")),
        ("enabled", ENABLED.join(" ")),
        ("changes", changes(release).join("\n")),
        ("images", [pause_image(release), provisioner_image(release), HELPER_IMAGE.to_owned()].join(" ")),
    ]
}

/// What containers of the image start with.
fn changes(release: &Release) -> Vec<String> {
    vec![
        "ENV container=docker".to_owned(),
        "ENTRYPOINT [\"/usr/local/bin/entrypoint\", \"/sbin/init\"]".to_owned(),
        "CMD []".to_owned(),
        format!("LABEL {}=node-image", labels::KIND),
        format!("LABEL {}={}", labels::KUBERNETES_VERSION, release.kubernetes),
        format!("LABEL {}={}", labels::FEATURES, labels::NODE_FEATURES),
    ]
}

fn write_files(tar: &Path, release: &Release) -> io::Result<()> {
    let mut layer = Layer::new(io::BufWriter::new(fs::File::create(tar)?));
    for (source, path, mode) in PLACES {
        layer.file(path, *mode, filled_in(embedded::text(NODE, source), release).as_bytes())?;
    }
    layer.file("/kind/version", 0o644, release.kubernetes.as_bytes())?;
    layer.folder("/etc/cni/net.d", 0o755)?;
    let units = "/etc/systemd/system";
    layer.link(&format!("{units}/default.target"), "/usr/lib/systemd/system/multi-user.target")?;
    for unit in ENABLED {
        let target = format!("/usr/lib/systemd/system/{unit}");
        layer.link(&format!("{units}/multi-user.target.wants/{unit}"), &target)?;
    }
    for unit in embedded::entries(embedded::text(NODE, "node/masked-units")) {
        layer.link(&format!("{units}/{unit}"), "/dev/null")?;
    }
    io::Write::flush(&mut layer.finish()?)
}

/// The text with the names of images in place of their marks.
fn filled_in(text: &str, release: &Release) -> String {
    text.replace("@PAUSE@", &pause_image(release))
        .replace("@PROVISIONER@", &provisioner_image(release))
        .replace("@POLICIES@", &policies_image(release))
        .replace("@HELPER@", HELPER_IMAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as _;

    fn manifest(name: &str) -> Vec<serde_yaml::Value> {
        let text = filled_in(embedded::text(NODE, name), Release::newest());
        serde_yaml::Deserializer::from_str(&text)
            .map(|document| serde_yaml::Value::deserialize(document).unwrap())
            .collect()
    }

    #[test]
    fn every_file_has_a_place_and_no_mark_is_left() {
        for file in NODE.iter().filter(|file| file.path != "node/masked-units") {
            assert!(PLACES.iter().any(|(source, ..)| *source == file.path), "{} goes nowhere", file.path);
            let text = filled_in(file.text, Release::newest());
            assert!(!text.split('@').skip(1).step_by(2).any(|mark| mark.bytes().all(|byte| byte.is_ascii_uppercase())));
        }
    }

    #[test]
    fn manifests_are_objects_that_kubectl_can_apply() {
        for name in ["manifests/default-cni.yaml", "manifests/default-storage.yaml", "manifests/network-policies.yaml"]
        {
            for object in manifest(name) {
                for field in ["apiVersion", "kind", "metadata"] {
                    assert!(object.get(field).is_some(), "{name}: an object without {field}");
                }
            }
        }
    }

    #[test]
    fn there_is_one_default_storage_class_named_standard() {
        let objects = manifest("manifests/default-storage.yaml");
        let classes: Vec<_> = objects.iter().filter(|object| object["kind"] == "StorageClass").collect();
        assert_eq!(classes.len(), 1);
        assert_eq!(classes[0]["metadata"]["name"], "standard");
        let annotation = &classes[0]["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"];
        assert_eq!(annotation, "true");
    }

    #[test]
    fn manifests_pull_nothing_that_the_node_has() {
        let newest = Release::newest();
        for (name, image) in [
            ("manifests/default-storage.yaml", provisioner_image(newest)),
            ("manifests/network-policies.yaml", policies_image(newest)),
        ] {
            let workload = manifest(name).pop().unwrap();
            let container = &workload["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(container["imagePullPolicy"], "IfNotPresent");
            assert_eq!(container["image"], image.as_str());
        }
    }

    /// Two control planes' API servers: one that goes without having told of a policy, and one that tells of one.
    #[test]
    fn what_enforces_policies_is_started_when_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        };
        let socat = "#!/bin/sh
            echo called >> \"$CALLS\"
            printf 'HTTP/1.1 200 OK\\r\\n\\r\\n2f\\r\\n'
            [ \"$(cat certificate key)\" = certkey ] || exit
            [ \"$(wc -l < \"$CALLS\")\" = 1 ] && exit
            head -n 1 > \"$CALLS.asked\"
            printf '{\"type\":\"ADDED\",\"object\":{\"kind\":\"NetworkPolicy\"}}\\n\\r\\n'
            exec cat > /dev/null";
        write("bin/socat", socat);
        write("bin/kubectl", "#!/bin/sh\necho \"$@\" > \"$CALLS.applied\"");
        write("bin/sleep", "#!/bin/sh");
        let calls = root.join("calls");
        let run = || {
            let mut command = std::process::Command::new("bash");
            let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
            command.env_clear().env("PATH", path).env("CALLS", &calls);
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/node/policies")).arg(root).status().unwrap()
        };
        write("etc/kubernetes/admin.conf", "    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n");
        write("etc/containerd/config.toml", "  conf_template = \"\"\n");
        assert!(run().success());
        assert!(!calls.exists(), "a user's own network plugin is left alone");

        write("etc/containerd/config.toml", "  conf_template = \"/etc/containerd/cni.conflist.template\"\n");
        assert!(run().success());
        assert_eq!(fs::read_to_string(&calls).unwrap(), "called\ncalled\n");
        let asked = fs::read_to_string(root.join("calls.asked")).unwrap();
        assert!(asked.starts_with("GET /apis/networking.k8s.io/v1/networkpolicies?watch=true HTTP/1.1\r\n"), "{asked}");
        let applied = fs::read_to_string(root.join("calls.applied")).unwrap();
        assert!(applied.contains("apply --server-side") && applied.contains("/network-policies.yaml"), "{applied}");
    }

    /// What systemd makes of the file is what its manual says of quotation marks and specifiers.
    #[test]
    fn proxies_reach_services_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made/50-proxy.conf");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/proxies");
        let write = |variables: &[(&str, &str)]| {
            let mut command = std::process::Command::new("bash");
            let run = command.env_clear().env("PATH", "/usr/bin:/bin").envs(variables.iter().copied());
            assert!(run.arg(script).arg(&file).status().unwrap().success());
        };
        write(&[]);
        assert!(!file.exists());
        write(&[
            ("HTTP_PROXY", ""),
            ("HTTPS_PROXY", r#"http://dom\u:p%40%a"$x & 'y'@proxy:3128/"#),
            ("no_proxy", "*.local, 169.254/16\n%%"),
        ]);
        let expected = concat!(
            "[Manager]\nDefaultEnvironment=",
            r#" "HTTPS_PROXY=http://dom\\u:p%%40%%a\"$x & 'y'@proxy:3128/" "no_proxy=*.local, 169.254/16\n%%%%""#,
            "\n",
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    }

    #[test]
    fn the_layer_has_units_masks_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files.tar");
        write_files(&path, Release::newest()).unwrap();
        let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
        let names: Vec<String> =
            archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        for expected in [
            "kind/version",
            "usr/local/bin/entrypoint",
            "etc/systemd/system/nginx.service",
            "etc/systemd/system/multi-user.target.wants/kubelet.service",
        ] {
            assert!(names.iter().any(|name| name == expected), "{expected} is missing");
        }
        // /bin, /sbin and /lib are links in the base image; a folder of that name would take their place.
        assert!(!names.iter().any(|name| name.starts_with("lib/") || name.starts_with("bin/")));
    }
}
