//! Which specs a command is about.

use kind_conformance::{Catalog, Selection, Spec};

use crate::{args::Specs, failure::ConformanceFailure};

/// The specs of a version, or of the newest one.
pub(crate) fn catalog(version: Option<&str>) -> Result<&'static Catalog, ConformanceFailure> {
    let Some(version) = version else { return Ok(Catalog::newest()) };
    Catalog::of(version).ok_or_else(|| ConformanceFailure::NoVersion {
        version: version.to_owned(),
        known: Catalog::versions().collect::<Vec<_>>().join(", "),
    })
}

/// The specs of the version that is asked for, and those among them whose names are.
pub(super) fn choose(specs: Specs) -> Result<(&'static Catalog, Vec<&'static Spec>), ConformanceFailure> {
    let catalog = catalog(specs.version.as_deref())?;
    let selection = Selection { focus: specs.focus, skip: specs.skip };
    let chosen: Vec<&Spec> = catalog.specs().iter().filter(|spec| selection.wants(spec)).collect();
    if chosen.is_empty() {
        return Err(ConformanceFailure::NoSpec { all: catalog.specs().len() });
    }
    Ok((catalog, chosen))
}
