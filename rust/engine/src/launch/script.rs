//! The text of `<name>.py`: what a person runs, or a debugger.

use std::path::Path;

use super::Launch;

/// A JSON string is a Python literal too: only non-ASCII text is left as it is, and the file is UTF-8.
fn literal(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The script of a job.
pub(crate) fn script(python: &Path, launch: &Launch) -> Vec<u8> {
    let environment: serde_json::Map<String, serde_json::Value> =
        launch.environment.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let text = format!(
        r#"#!{python}
"""Runs this job: by hand, in a debugger, or for a driver. It refuses when the job is done, or runs elsewhere."""

if __name__ == "__main__":
    import os
    import sys

    sys.path[:0] = {python_path}
    os.environ.update({environment})

    from experimaestro._run.runner import main

    main(__file__)
"#,
        python = python.display(),
        python_path = literal(&launch.python_path),
        environment = literal(&environment),
    );
    text.into_bytes()
}
