//! Whether there is enough of what nodes take: disk and inotify. How much that is says `kind_images::machine`.

use kind_images::machine::{DISK_OF_A_BUILD, INSTANCES, Limit, Need, Room, WATCHES};

use super::{
    checks::{Finding, Fix, GIB, Verdict, finding, rate},
    facts::Facts,
};

pub(super) fn disk(facts: &Facts) -> Option<Finding> {
    let bytes = facts.room.as_ref()?.disk?;
    let advice = "free some: `docker system df` shows what the engine holds, `kind-rs gc` what tests left";
    let found = format!("{} GiB left on the engine's disk", bytes / GIB);
    Some(finding("disk", rate(bytes, Need::of(1, 0).disk, DISK_OF_A_BUILD), found, advice))
}

pub(super) fn inodes(facts: &Facts) -> Option<Finding> {
    // Some file systems have no limit and say 0.
    let files = facts.inodes.filter(|files| *files > 0)?;
    let found = format!("{files} left on the engine's disk");
    Some(finding("inodes", rate(files, 50_000, 200_000), found, "remove images, or files that nobody needs"))
}

/// Bad where not even one node fits, doubtful below what is enough for several clusters.
pub(super) fn inotify(facts: &Facts) -> Vec<Finding> {
    let found = facts.room.as_ref().map(judge).unwrap_or_default().into_iter();
    // Only this machine's settings can be set from here.
    found.map(|finding| Finding { fix: finding.fix.filter(|_| facts.local), ..finding }).collect()
}

fn judge(room: &Room) -> Vec<Finding> {
    let (one, usual) = (Need::of(1, 0), Need::of(3, 1));
    let limits = [
        (INSTANCES, room.instances, one.instances, usual.instances),
        (WATCHES, room.watches, one.watches, usual.watches),
    ];
    let judge = |((setting, enough), limit, one, usual): ((&'static str, u64), Limit, u64, u64)| {
        let (value, left) = (limit.limit?, limit.left()?);
        let verdict = if left < one { Verdict::Bad } else { rate(value, 0, enough) };
        let taken = limit
            .used
            .map_or_else(|| ", how many are taken cannot be seen".to_owned(), |used| format!(", {used} taken"));
        let advice = format!(
            "a cluster of three control planes and a worker takes {usual}: `sysctl -w {setting}={enough}`, and in \
             /etc/sysctl.d to keep it"
        );
        let fix = (verdict != Verdict::Good).then_some(Fix { setting, value: enough });
        Some(Finding { fix, ..finding(setting, verdict, format!("{value}{taken}"), advice) })
    };
    limits.into_iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some(128), Some(50), Verdict::Doubtful, "128, 50 taken")]
    #[case(Some(128), Some(110), Verdict::Bad, "128, 110 taken")]
    #[case(Some(128), None, Verdict::Doubtful, "128, how many are taken cannot be seen")]
    fn inotify_is_judged_by_what_one_node_takes(
        #[case] limit: Option<u64>,
        #[case] used: Option<u64>,
        #[case] verdict: Verdict,
        #[case] text: &str,
    ) {
        let room = Room { instances: Limit { limit, used }, ..Room::default() };
        let found = judge(&room).remove(0);
        assert_eq!((found.verdict, found.found.as_str()), (verdict, text));
        assert_eq!(found.fix, Some(Fix { setting: "fs.inotify.max_user_instances", value: 1024 }));
        assert!(found.advice.contains("takes 75: `sysctl -w fs.inotify.max_user_instances=1024`"), "{}", found.advice);
    }
}
