//! How many units there are: the first to say so is believed, unless somebody insists.

use serde_json::{Value, json};

use super::{LeaseError, LeaseResult};
use crate::fs::{self, Durability};
use crate::layout::LeaseDirectory;

/// Where nobody has said how many units there are, there is one: one writer of a partial directory.
const DEFAULT: u32 = 1;

/// Who is believed about the number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Whoever said it first.
    First,
    /// The last one who insisted.
    Forced,
}

/// How many units there are.
///
/// # Errors
/// When the file cannot be read, or makes no sense.
pub fn total(folder: &LeaseDirectory) -> LeaseResult<u32> {
    let path = folder.information();
    let Some(bytes) = fs::read(&path)? else { return Ok(DEFAULT) };
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let number = ["total", "max_write_locks"].iter().find_map(|key| value.get(key)?.as_u64());
    number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| LeaseError::Information {
        path,
        message: "it must hold {\"total\": N}, with N a whole number; write it again, or remove it".to_owned(),
    })
}

/// Say how many units there are; answers how many there are now.
///
/// # Errors
/// When the folder cannot be written.
pub fn set_total(folder: &LeaseDirectory, units: u32, whose: Total) -> LeaseResult<u32> {
    fs::create_folders(&folder.tickets())?;
    let (path, content) = (folder.information(), json!({"total": units}).to_string());
    match whose {
        // Left alone when it says so already: nobody should find a new file for nothing.
        Total::Forced if matches!((fs::exists(&path)?, total(folder)), (true, Ok(known)) if known == units) => {}
        Total::Forced => fs::replace(&path, content.as_bytes(), Durability::Content)?,
        Total::First if fs::exists(&path)? => {}
        Total::First => drop(fs::create_exclusive(&path, content.as_bytes(), Durability::Content)?),
    }
    total(folder)
}
