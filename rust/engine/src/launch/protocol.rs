//! The lines between the engine and the fork server (`docs/architecture.md`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// From the engine.
#[derive(Debug, Serialize)]
pub(super) struct LaunchLine<'a> {
    pub(super) launch: u64,
    pub(super) directory: &'a str,
    pub(super) workspace: &'a str,
    pub(super) name: &'a str,
    pub(super) attempt: u32,
    /// `None`: that of the job before.
    pub(super) environment: Option<BTreeMap<&'a str, &'a str>>,
    /// `None`: that of the job before.
    pub(super) python_path: Option<&'a [String]>,
}

/// From the server.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(super) enum Answer {
    Started {
        started: u64,
        pid: u32,
    },
    Ended {
        ended: u64,
        code: Option<i32>,
        signal: Option<i32>,
    },
    Refused {
        refused: u64,
        message: String,
        /// There was no room for a process; there may be later.
        #[serde(default)]
        again: bool,
    },
    Ready {
        ready: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_protocol_are_understood() {
        let read = |text: &str| serde_json::from_str::<Answer>(text).unwrap();
        assert_eq!(read(r#"{"ready": true, "pid": 12}"#), Answer::Ready { ready: true });
        assert_eq!(read(r#"{"started": 7, "pid": 34}"#), Answer::Started { started: 7, pid: 34 });
        let killed = Answer::Ended { ended: 7, code: None, signal: Some(9) };
        assert_eq!(read(r#"{"ended": 7, "pid": 34, "code": null, "signal": 9}"#), killed);
        let refused = Answer::Refused { refused: 7, message: "no memory".into(), again: true };
        assert_eq!(read(r#"{"refused": 7, "message": "no memory", "again": true}"#), refused);
    }
}
