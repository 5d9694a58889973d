//! The node image: the payload image and the files that make a node of it, units, scripts, settings and manifests.

use std::{fs, io, path::Path};

use kind_engine::{Engine, Privileges};

use crate::{
    BuildError, Release, Step,
    archive::Layer,
    cache::file,
    container::BuildContainer,
    embedded::{self, NODE},
    pod_images::{HELPER_IMAGE, NETWORK_IMAGE, pause_image, provisioner_image},
    reference::{labels, node_image_reference, payload_image_reference},
    workshop::Workshop,
};

const STEP: Step = Step::NodeImage;

/// Where each file goes in a node, and with which permissions.
const PLACES: &[(&str, &str, u32)] = &[
    ("manifests/default-cni.yaml", "/kind/manifests/default-cni.yaml", 0o644),
    ("manifests/default-storage.yaml", "/kind/manifests/default-storage.yaml", 0o644),
    ("manifests/load-balancers.yaml", "/kind/manifests/load-balancers.yaml", 0o644),
    ("manifests/policies.yaml", "/kind/manifests/policies.yaml", 0o644),
    ("node/cni.conflist.template", "/etc/containerd/cni.conflist.template", 0o644),
    ("node/containerd.toml", "/etc/containerd/config.toml", 0o644),
    ("node/crictl.yaml", "/etc/crictl.yaml", 0o644),
    ("node/entrypoint", "/usr/local/bin/entrypoint", 0o755),
    ("node/image-store", "/usr/local/lib/kind-rs/image-store", 0o755),
    ("node/kubelet-cgroups", "/usr/local/lib/kind-rs/kubelet-cgroups", 0o755),
    ("node/name-service", "/usr/local/lib/kind-rs/name-service", 0o755),
    ("node/network", "/usr/local/lib/kind-rs/network", 0o755),
    ("node/on-first", "/usr/local/lib/kind-rs/on-first", 0o755),
    ("node/pod-neighbour", "/opt/cni/bin/pod-neighbour", 0o755),
    ("node/proxies", "/usr/local/lib/kind-rs/proxies", 0o755),
    ("node/units/10-kubeadm.conf", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 0o644),
    ("node/units/containerd.service", "/usr/lib/systemd/system/containerd.service", 0o644),
    ("node/units/journald.conf", "/usr/lib/systemd/journald.conf.d/50-kind-rs.conf", 0o644),
    ("node/units/kind-rs-network.path", "/usr/lib/systemd/system/kind-rs-network.path", 0o644),
    ("node/units/kind-rs-network.service", "/usr/lib/systemd/system/kind-rs-network.service", 0o644),
    ("node/units/kind-rs-on-first@.path", "/usr/lib/systemd/system/kind-rs-on-first@.path", 0o644),
    ("node/units/kind-rs-on-first@.service", "/usr/lib/systemd/system/kind-rs-on-first@.service", 0o644),
    ("node/units/kubelet.service", "/usr/lib/systemd/system/kubelet.service", 0o644),
    ("node/units/kubelet.slice", "/usr/lib/systemd/system/kubelet.slice", 0o644),
    ("node/units/system.conf", "/usr/lib/systemd/system.conf.d/50-kind-rs.conf", 0o644),
];

/// Units that every node starts.
const ENABLED: [&str; 5] = [
    "containerd.service",
    "kubelet.service",
    "kind-rs-network.path",
    "kind-rs-on-first@load-balancers.path",
    "kind-rs-on-first@policies.path",
];

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
        (
            "images",
            [pause_image(release), provisioner_image(release), HELPER_IMAGE.to_owned(), NETWORK_IMAGE.to_owned()]
                .join(" "),
        ),
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
        // An instance is a link to its template.
        let template = unit.split_once('@').map(|(name, instance)| {
            let (_, kind) = instance.rsplit_once('.').unwrap_or((instance, "service"));
            format!("{name}@.{kind}")
        });
        let target = format!("/usr/lib/systemd/system/{}", template.as_deref().unwrap_or(unit));
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
        .replace("@NETWORK@", NETWORK_IMAGE)
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
        for name in NODE.iter().map(|file| file.path).filter(|path| path.starts_with("manifests/")) {
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
            ("manifests/load-balancers.yaml", NETWORK_IMAGE.to_owned()),
            ("manifests/policies.yaml", NETWORK_IMAGE.to_owned()),
        ] {
            let workload = manifest(name).pop().unwrap();
            let container = &workload["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(container["imagePullPolicy"], "IfNotPresent");
            assert_eq!(container["image"], image.as_str());
        }
    }

    /// Two control planes' API servers: one that goes without having told of an object that counts, and one that tells of one.
    /// Returns what the last one was asked, and what was applied; `None` where nobody was asked.
    fn on_first(part: &str, plugin: &str) -> Option<(String, String)> {
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
            # Another name of the certificate makes the real one end where that has IPv6 addresses.
            case $* in *,commonname=kubernetes,*) ;; *) exit ;; esac
            head -n 1 > \"$CALLS.asked\"
            if [ \"$(wc -l < \"$CALLS\")\" = 1 ]; then
              printf '{\"type\":\"ADDED\",\"object\":{\"spec\":{\"loadBalancerClass\":\"other\"}}}\\n\\r\\n'
              exit
            fi
            printf '{\"type\":\"ADDED\",\"object\":{\"kind\":\"Any\"}}\\n\\r\\n'
            exec cat > /dev/null";
        write("bin/socat", socat);
        write("bin/kubectl", "#!/bin/sh\necho \"$@\" > \"$CALLS.applied\"");
        write("bin/sleep", "#!/bin/sh");
        write("etc/kubernetes/admin.conf", "    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n");
        write("etc/containerd/config.toml", &format!("  conf_template = \"{plugin}\"\n"));
        let calls = root.join("calls");
        let mut command = std::process::Command::new("bash");
        let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
        command.env_clear().env("PATH", path).env("CALLS", &calls);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/node/on-first")).arg(part).arg(root);
        assert!(command.status().unwrap().success());
        let calls = fs::read_to_string(&calls).ok()?;
        // Of policies each one counts.
        assert_eq!(calls.lines().count(), if part == "policies" { 1 } else { 2 });
        let read = |name| fs::read_to_string(root.join(name)).unwrap_or_default();
        Some((read("calls.asked"), read("calls.applied")))
    }

    #[test]
    fn what_enforces_policies_is_started_when_there_is_one() {
        let (asked, applied) = on_first("policies", "/etc/containerd/cni.conflist.template").unwrap();
        assert!(asked.starts_with("GET /apis/networking.k8s.io/v1/networkpolicies?watch=true HTTP/1.1\r\n"), "{asked}");
        assert!(applied.contains("apply --server-side") && applied.contains("/policies.yaml"), "{applied}");
        assert_eq!(on_first("policies", ""), None, "a user's own network plugin is left alone");
    }

    #[test]
    fn what_gives_addresses_is_started_when_a_service_of_no_class_wants_one() {
        for plugin in ["", "/etc/containerd/cni.conflist.template"] {
            let (asked, applied) = on_first("load-balancers", plugin).unwrap();
            let expected = "GET /api/v1/services?watch=true&fieldSelector=spec.type%3DLoadBalancer HTTP/1.1\r\n";
            assert!(asked.starts_with(expected), "{asked}");
            assert!(applied.contains("/load-balancers.yaml"), "{applied}");
        }
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
            "etc/systemd/system/multi-user.target.wants/kind-rs-on-first@policies.path",
        ] {
            assert!(names.iter().any(|name| name == expected), "{expected} is missing");
        }
        // /bin, /sbin and /lib are links in the base image; a folder of that name would take their place.
        assert!(!names.iter().any(|name| name.starts_with("lib/") || name.starts_with("bin/")));
    }
}
