//! Does what the scheduler decides: processes, file and process watching, timers.
#![warn(missing_docs)]
