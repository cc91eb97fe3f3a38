//! What containers hold, taken out at once by the means of the base class.
//!
//! Code of the values runs while they are looked at: it may change the container, and what it derives from `set` or
//! `dict` may iterate as it likes, endlessly for instance.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PySet};

/// The entries of a dictionary.
pub(crate) fn entries<'py>(dict: &Bound<'py, PyDict>) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    dict.iter().collect()
}

/// The elements of a set or of a frozen set.
pub(crate) fn set_elements<'py>(set: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = set.py();
    let exact = set.is_exact_instance_of::<PySet>() || set.is_exact_instance_of::<PyFrozenSet>();
    // `frozenset(set)` copies the table of a set of any class, and asks no element anything.
    let plain = if exact { set.clone() } else { py.get_type::<PyFrozenSet>().call1((set,))? };
    plain.try_iter()?.collect()
}
