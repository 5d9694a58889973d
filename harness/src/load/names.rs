//! Names of images as nodes spell them out.

/// `docker.io/library/redis:7` for `redis:7`.
pub(super) fn spelled_out(name: &str) -> String {
    let (first, rest) = name.split_once('/').unwrap_or(("", name));
    let is_registry = first == "localhost" || first.contains(['.', ':']);
    let path = match (is_registry, first) {
        (true, _) => name.to_owned(),
        (false, "") => format!("docker.io/library/{rest}"),
        (false, _) => format!("docker.io/{name}"),
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { path } else { format!("{path}:latest") }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("redis", "docker.io/library/redis:latest")]
    #[case("redis:7", "docker.io/library/redis:7")]
    #[case("me/app:1", "docker.io/me/app:1")]
    #[case("localhost/app:1", "localhost/app:1")]
    #[case("localhost:5000/app", "localhost:5000/app:latest")]
    #[case("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10")]
    #[case("docker.io/library/redis:7", "docker.io/library/redis:7")]
    #[case("app@sha256:00", "docker.io/library/app@sha256:00")]
    fn names_are_spelled_out(#[case] short: &str, #[case] long: &str) {
        assert_eq!(spelled_out(short), long);
    }
}
