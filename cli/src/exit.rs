//! Exit codes. Scripts depend on them: a code never changes its meaning.

/// All went well; deleting what does not exist is well, too.
pub(crate) const SUCCESS: u8 = 0;
/// Something else than the following failed.
pub(crate) const FAILURE: u8 = 1;
/// The arguments are wrong.
pub(crate) const USAGE: u8 = 2;
/// The configuration file or an environment variable is wrong.
pub(crate) const CONFIGURATION: u8 = 3;
/// No container engine can be used.
pub(crate) const ENGINE: u8 = 4;
/// An image is not there and could not be pulled, built or loaded.
pub(crate) const IMAGE: u8 = 5;
/// A cluster of that name exists.
pub(crate) const NAME_TAKEN: u8 = 6;
/// A step of the creation failed.
pub(crate) const STEP_FAILED: u8 = 7;
/// A step of the creation, `--wait` or `--timeout` ran out of time; also of a start.
pub(crate) const TIMED_OUT: u8 = 8;
/// A kubeconfig could not be read or changed.
pub(crate) const KUBECONFIG: u8 = 9;
/// A cluster or image could not be removed.
pub(crate) const NOT_REMOVED: u8 = 10;
/// There is no such cluster, or it has no such node.
pub(crate) const NO_CLUSTER: u8 = 11;
/// Conformance specs did not pass, or a certified run is not complete.
pub(crate) const SPECS_FAILED: u8 = 12;
/// Added to the number of the signal that ended the program, as shells do.
pub(crate) const SIGNAL: u8 = 128;

/// The table, as `--help` prints it.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; also when there was nothing to delete
  1  another failure than those below
  2  wrong arguments
  3  wrong configuration file or environment variable
  4  no usable container engine
  5  no image: missing, not pulled, not built or not loaded
  6  a cluster of that name exists
  7  a step of the creation failed
  8  a step of the creation, --wait or --timeout ran out of time
  9  a kubeconfig cannot be read or changed
 10  a cluster or image cannot be removed
 11  no such cluster or node
 12  conformance specs failed, or a certified run is not complete
130  interrupted (143: terminated); a creation is rolled back";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_code_once_in_order() {
        let codes = [
            SUCCESS,
            FAILURE,
            USAGE,
            CONFIGURATION,
            ENGINE,
            IMAGE,
            NAME_TAKEN,
            STEP_FAILED,
            TIMED_OUT,
            KUBECONFIG,
            NOT_REMOVED,
            NO_CLUSTER,
            SPECS_FAILED,
            SIGNAL + 2,
        ];
        let listed: Vec<u8> =
            HELP.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
        assert_eq!(listed, codes);
    }
}
