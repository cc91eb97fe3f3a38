//! Where in the user's code something was written: a code object and an instruction, resolved to a line only when asked.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// A place in Python code.
pub(crate) struct Site {
    code: Py<PyAny>,
    instruction: i32,
}

static PACKAGE_FOLDER: PyOnceLock<String> = PyOnceLock::new();

fn package_folder(py: Python<'_>) -> &str {
    PACKAGE_FOLDER
        .get_or_init(py, || {
            py.import("experimaestro")
                .and_then(|module| module.getattr("__file__"))
                .and_then(|file| file.extract::<String>())
                .ok()
                .and_then(|file| file.rsplit_once(['/', '\\']).map(|(folder, _)| format!("{folder}/")))
                .unwrap_or_else(|| "\0".to_owned())
        })
        .as_str()
}

impl Site {
    /// The innermost frame that is not in this package.
    pub(crate) fn of_caller(py: Python<'_>) -> Option<Self> {
        // SAFETY: called with the GIL; returns a borrowed reference or null.
        let frame = unsafe { ffi::PyEval_GetFrame() };
        // SAFETY: a non-null frame is a live Python object.
        let mut frame = unsafe { Bound::from_borrowed_ptr_or_opt(py, frame.cast()) }?;
        loop {
            let code = frame.getattr(intern!(py, "f_code")).ok()?;
            let file = code.getattr(intern!(py, "co_filename")).ok()?;
            let ours = file.cast::<PyString>().ok()?.to_str().ok()?.starts_with(package_folder(py));
            if !ours {
                let instruction = frame.getattr(intern!(py, "f_lasti")).ok()?.extract().ok()?;
                return Some(Self { code: code.unbind(), instruction });
            }
            let back = frame.getattr(intern!(py, "f_back")).ok()?;
            if back.is_none() {
                return None;
            }
            frame = back;
        }
    }

    /// Equal for equal places, as long as the code is alive.
    pub(crate) fn key(&self) -> (usize, i32) {
        (self.code.as_ptr() as usize, self.instruction)
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { code: self.code.clone_ref(py), instruction: self.instruction }
    }

    /// `absolute file:line`.
    pub(crate) fn resolve(&self, py: Python<'_>) -> String {
        self.try_resolve(py).unwrap_or_else(|_| "<unknown>".to_owned())
    }

    fn try_resolve(&self, py: Python<'_>) -> PyResult<String> {
        let code = self.code.bind(py);
        let file: String = code.getattr("co_filename")?.extract()?;
        let file: String = if file.starts_with('<') {
            file
        } else {
            py.import("os.path")?.call_method1("abspath", (file,))?.extract()?
        };
        let mut line: Option<i64> = None;
        for entry in code.call_method0("co_lines")?.try_iter()? {
            let (start, end, number): (i32, i32, Option<i64>) = entry?.extract()?;
            if start <= self.instruction && self.instruction < end {
                line = number;
            }
        }
        Ok(line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")))
    }
}
