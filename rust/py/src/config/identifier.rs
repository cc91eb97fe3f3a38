//! The identifier of a configuration, as Python sees it.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::state::ConfigState;
use super::{hash, legacy};

/// What identifies a configuration: the digest of its canonical bytes (32 bytes for those of older packages).
#[pyclass(frozen, eq, hash, module = "experimaestro._core")]
pub struct Identifier {
    digest: Box<[u8]>,
    loops: Loops,
}

/// Whether what is identified leads back to itself.
enum Loops {
    Known(bool),
    /// Told by the configuration, which is sealed, when somebody asks.
    Of(Py<PyAny>),
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Identifier {}

impl Hash for Identifier {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Identifier {
    /// The identifier of a configuration that is not at hand.
    pub(crate) fn new(digest: &[u8]) -> Self {
        Self { digest: digest.into(), loops: Loops::Known(false) }
    }

    /// The identifier of a configuration whose digest was known, or is of another scheme.
    pub(crate) fn of(digest: &[u8], config: &Bound<'_, PyAny>) -> PyResult<Self> {
        let loops = if ConfigState::of_configuration(config)?.get().is_sealed() {
            Loops::Of(config.clone().unbind())
        } else {
            // It may change: what counts is how it is now.
            Loops::Known(hash::leads_back(config)?)
        };
        Ok(Self { digest: digest.into(), loops })
    }

    fn computed(it: &hash::Computed, config: &Bound<'_, PyAny>) -> Self {
        let loops = it.leads_back.map_or_else(|| Loops::Of(config.clone().unbind()), Loops::Known);
        Self { digest: it.digest.into(), loops }
    }
}

/// The bytes of an identifier in hexadecimal: 16, or 32 of an older package.
pub(crate) fn bytes_of_hex(text: &str) -> PyResult<Box<[u8]>> {
    let digit = |index: usize| text.get(index..index + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let bytes: Option<Box<[u8]>> = (0..text.len()).step_by(2).map(digit).collect();
    match bytes {
        Some(bytes) if text.is_ascii() && !text.contains('+') && matches!(bytes.len(), 16 | 32) => Ok(bytes),
        _ => Err(PyValueError::new_err(format!(
            "{text:?} is no identifier: 32 hexadecimal digits are expected (64 if an older package made it)"
        ))),
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex_of_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
        text
    })
}

/// Identifier of another scheme that a configuration was stored with.
pub(crate) fn foreign(config: &Bound<'_, PyAny>) -> PyResult<Option<Box<[u8]>>> {
    let state = ConfigState::of_configuration(config)?;
    let inner = state.get().lock();
    Ok(inner.rare.as_ref().and_then(|rare| rare.foreign_identifier.clone()).filter(|_| inner.sealed))
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
    pub(crate) fn hex(&self) -> String {
        hex_of_bytes(&self.digest)
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

    /// Whether the configuration leads back to itself, by what counts in its identifier.
    ///
    /// Of one that was only read as text this is not known, and false.
    #[getter]
    fn has_loops(&self, py: Python<'_>) -> PyResult<bool> {
        match &self.loops {
            Loops::Known(known) => Ok(*known),
            Loops::Of(config) => hash::leads_back(config.bind(py)),
        }
    }

    /// From hexadecimal text, or from `{"main": text}`.
    #[staticmethod]
    fn from_state_dict(state: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut has_loops = false;
        let text: String = match state.cast::<PyDict>() {
            Ok(dict) => {
                if let Some(told) = dict.get_item("has_loops")? {
                    has_loops = told.extract()?;
                }
                match dict.get_item("main")? {
                    Some(main) => main.extract()?,
                    None => {
                        return Err(PyValueError::new_err("an identifier is stored as text or as {\"main\": text}"));
                    }
                }
            }
            Err(_) => state.cast::<PyString>()?.to_str()?.to_owned(),
        };
        Ok(Self { digest: bytes_of_hex(&text)?, loops: Loops::Known(has_loops) })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        let state = PyDict::new(slf.py());
        state.set_item("main", slf.get().hex())?;
        state.set_item("has_loops", slf.get().has_loops(slf.py())?)?;
        Ok((slf.get_type().getattr("from_state_dict")?, (state,)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.loops {
            Loops::Known(_) => Ok(()),
            Loops::Of(config) => visit.call(config),
        }
    }
}

/// The identifier of a configuration: the one that it was stored or submitted with, else that of the scheme of the current
/// workspace. With `own`, that of this package's scheme, unless it was stored with another one.
///
/// With `keep`, the digests of all that it is made of stay in the configurations, if they are sealed next.
#[pyfunction]
#[pyo3(signature = (config, *, keep = false, own = false))]
pub(crate) fn identifier(config: &Bound<'_, PyAny>, keep: bool, own: bool) -> PyResult<Identifier> {
    if !own && let Some(stored) = ConfigState::of_configuration(config)?.get().stored_legacy() {
        return Identifier::of(&stored.identity.full, config);
    }
    if let Some(digest) = foreign(config)? {
        return Identifier::of(&digest, config);
    }
    if !own && let Some(scheme) = legacy::current() {
        return Identifier::of(&legacy::identify(config, scheme)?.full, config);
    }
    Ok(Identifier::computed(&hash::digested(config, keep)?, config))
}

/// The identifier that a configuration would have if its class lacked some parameters.
///
/// Only its own parameters are left out: configurations in the others count whole.
#[pyfunction]
pub(crate) fn partial_identifier(config: &Bound<'_, PyAny>, left_out: HashSet<String>) -> PyResult<Identifier> {
    Ok(Identifier::computed(&hash::digest_without(config, left_out)?, config))
}
