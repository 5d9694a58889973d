//! How far a pod with one container is. Pure.

use serde_json::Value;

/// What a kubelet that waits says when nothing but another pod, image or node would help.
const NEVER: [&str; 7] = [
    "InvalidImageName",
    "ErrImageNeverPull",
    // The second try has failed as well.
    "ImagePullBackOff",
    "ImageInspectError",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];
/// Reasons of containers that have ended and never ran.
const NOT_STARTED: [&str; 2] = ["StartError", "ContainerCannotRun"];

/// How far a pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// On its way; the text says what it waits for.
    Waits(String),
    Runs,
    Ended {
        exit_code: i32,
    },
    /// It never runs, or is taken away while it does.
    Never(String),
}

/// Reads it off the pod.
pub(super) fn progress(pod: &Value) -> Progress {
    let status = &pod["status"];
    let phase = status["phase"].as_str().unwrap_or("Pending");
    if phase == "Failed" && !words(status).is_empty() {
        return Progress::Never(words(status));
    }
    let state = &status["containerStatuses"][0]["state"];
    let (waiting, terminated) = (&state["waiting"], &state["terminated"]);
    if !terminated.is_null() {
        let reason = terminated["reason"].as_str().unwrap_or_default();
        let exit_code = terminated["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok());
        return match exit_code {
            Some(exit_code) if !NOT_STARTED.contains(&reason) && reason != "ContainerStatusUnknown" => {
                Progress::Ended { exit_code }
            }
            _ => Progress::Never(words(terminated)),
        };
    }
    if !state["running"].is_null() {
        return Progress::Runs;
    }
    if waiting["reason"].as_str().is_some_and(|reason| NEVER.contains(&reason)) {
        return Progress::Never(words(waiting));
    }
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let mut refused = conditions.filter(|one| one["type"] == "PodScheduled" && one["status"] == "False");
    let refused = refused.next().map(words).filter(|words| !words.is_empty());
    let waits = Some(words(waiting)).filter(|words| !words.is_empty());
    Progress::Waits(waits.or(refused).unwrap_or_else(|| phase.to_owned()))
}

/// A reason and its message.
fn words(state: &Value) -> String {
    let text = |field: &str| state[field].as_str().unwrap_or_default().trim();
    match (text("reason"), text("message")) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn of(phase: &str, state: &Value) -> Progress {
        progress(&json!({ "status": { "phase": phase, "containerStatuses": [{ "state": state }] } }))
    }

    #[test]
    fn a_program_ends_with_its_code() {
        assert_eq!(of("Running", &json!({ "running": {} })), Progress::Runs);
        for (phase, code) in [("Succeeded", 0), ("Failed", 3), ("Running", 137)] {
            let ended = of(phase, &json!({ "terminated": { "exitCode": code, "reason": "Completed" } }));
            assert_eq!(ended, Progress::Ended { exit_code: code });
        }
    }

    #[rstest]
    #[case("InvalidImageName")]
    #[case("ErrImageNeverPull")]
    #[case("ImagePullBackOff")]
    #[case("CreateContainerConfigError")]
    #[case("CreateContainerError")]
    fn what_the_kubelet_cannot_do_is_said_at_once(#[case] reason: &str) {
        let state = json!({ "waiting": { "reason": reason, "message": "because" } });
        assert_eq!(of("Pending", &state), Progress::Never(format!("{reason}: because")));
    }

    #[rstest]
    #[case(json!({ "waiting": { "reason": "ContainerCreating" } }), "ContainerCreating")]
    // A registry may answer the next time.
    #[case(json!({ "waiting": { "reason": "ErrImagePull", "message": "timeout" } }), "ErrImagePull: timeout")]
    #[case(json!({}), "Pending")]
    fn what_may_still_come_is_waited_for(#[case] state: Value, #[case] status: &str) {
        assert_eq!(of("Pending", &state), Progress::Waits(status.to_owned()));
    }

    #[test]
    fn what_did_not_start_has_no_exit_code() {
        let state = json!({ "exitCode": 128, "reason": "StartError", "message": "exec: \"x\": not found" });
        assert_eq!(
            of("Failed", &json!({ "terminated": state })),
            Progress::Never("StartError: exec: \"x\": not found".into())
        );
    }

    #[test]
    fn what_is_taken_away_has_none_either() {
        let terminated = json!({ "terminated": { "exitCode": 137, "reason": "Error" } });
        let status = json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory",
            "containerStatuses": [{ "state": terminated }] });
        assert_eq!(progress(&json!({ "status": status })), Progress::Never("Evicted: low on memory".to_owned()));
    }

    #[test]
    fn what_the_scheduler_says_is_told() {
        let condition =
            json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4 nodes" });
        let pod = json!({ "status": { "phase": "Pending", "conditions": [condition] } });
        assert_eq!(progress(&pod), Progress::Waits("Unschedulable: 0/4 nodes".to_owned()));
        assert_eq!(progress(&json!({})), Progress::Waits("Pending".to_owned()));
    }
}
