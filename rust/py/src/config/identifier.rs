//! The identifier of a configuration, as Python sees it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::hash;

/// What identifies a configuration: the digest of its canonical bytes.
#[pyclass(frozen, eq, hash, module = "experimaestro._core")]
#[derive(PartialEq, Eq, Hash)]
pub struct Identifier {
    digest: [u8; 16],
}

impl Identifier {
    pub(crate) fn new(digest: [u8; 16]) -> Self {
        Self { digest }
    }
}

fn from_hex(text: &str) -> Option<[u8; 16]> {
    let mut digest = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[pymethods]
impl Identifier {
    /// The digest.
    #[getter]
    fn all<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.digest)
    }

    /// The same as `all`.
    #[getter]
    fn main<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.all(py)
    }

    /// The digest in hexadecimal.
    fn hex(&self) -> String {
        hash::hex(&self.digest)
    }

    fn __repr__(&self) -> String {
        self.hex()
    }

    fn __str__(&self) -> String {
        self.hex()
    }

    /// The digest in hexadecimal, for files.
    fn state_dict(&self) -> String {
        self.hex()
    }

    /// From hexadecimal text, or from `{"main": text}`.
    #[staticmethod]
    fn from_state_dict(state: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text: String = match state.cast::<PyDict>() {
            Ok(dict) => match dict.get_item("main")? {
                Some(main) => main.extract()?,
                None => return Err(PyValueError::new_err("an identifier is stored as text or as {\"main\": text}")),
            },
            Err(_) => state.cast::<PyString>()?.to_str()?.to_owned(),
        };
        from_hex(&text).map(Self::new).ok_or_else(|| {
            PyValueError::new_err(format!("{text:?} is no identifier: 32 hexadecimal digits are expected"))
        })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_state_dict")?, (slf.get().hex(),)))
    }
}

/// The identifier of a configuration.
///
/// With `keep`, the digests of all that it is made of stay in the configurations, if they are sealed next.
#[pyfunction]
#[pyo3(signature = (config, *, keep = false))]
pub(crate) fn identifier(config: &Bound<'_, PyAny>, keep: bool) -> PyResult<Identifier> {
    let digest = if keep { hash::digest_and_keep(config) } else { hash::digest(config) };
    digest.map(Identifier::new)
}
