//! Taking a ticket, binding it to a job, giving it back.

use std::collections::{BTreeMap, BTreeSet};

use super::LeaseResult;
use super::ticket::{Binding, Ticket, to_bytes};
use crate::fs::{self, Creation, Durability};
use crate::layout::{JobDirectory, LeaseDirectory, TicketFile};

/// This many of the last tickets stay, over or not: their numbers cannot be taken again.
const KEPT: u64 = 32;
/// Tidying up is done when there are this many to remove.
const WORTH_SWEEPING: usize = 16;

/// The files that each ticket has.
pub(super) type Names = BTreeMap<u64, BTreeSet<TicketFile>>;

pub(super) fn names(folder: &LeaseDirectory) -> LeaseResult<Names> {
    let mut names = Names::new();
    for name in fs::names(&folder.tickets())?.unwrap_or_default() {
        if let Some((number, file)) = TicketFile::parse(&name) {
            names.entry(number).or_default().insert(file);
        }
    }
    Ok(names)
}

fn last(names: &Names) -> u64 {
    names.keys().next_back().copied().unwrap_or(0)
}

/// Take the next ticket; answers its number.
///
/// # Errors
/// When the disk refuses.
pub fn request(folder: &LeaseDirectory, ticket: &Ticket) -> LeaseResult<u64> {
    Ok(take_ticket(folder, ticket)?.0)
}

/// As [`request`]; answers too what is in the folder since then.
pub(super) fn take_ticket(folder: &LeaseDirectory, ticket: &Ticket) -> LeaseResult<(u64, Names)> {
    let content = to_bytes(ticket);
    loop {
        let mut number = last(&names(folder)?) + 1;
        while create(folder, number, &content)? == Creation::Lost {
            number += 1;
        }
        // Looked at again, after our own change of the folder: the view before it may have been old.
        let now = names(folder)?;
        if last(&now) <= number + KEPT / 2 {
            sweep(folder, &now)?;
            return Ok((number, now));
        }
        // The number may have been used and swept before: others may not have counted us.
        fs::remove(&folder.ticket(number, TicketFile::Ticket))?;
    }
}

fn create(folder: &LeaseDirectory, number: u64, content: &[u8]) -> LeaseResult<Creation> {
    let path = folder.ticket(number, TicketFile::Ticket);
    Ok(match fs::create_exclusive(&path, content, Durability::Process) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_folders(&folder.tickets())?;
            fs::create_exclusive(&path, content, Durability::Process)?
        }
        other => other?,
    })
}

/// Remove what is over and old enough. The mark that it is over goes last: a crash in between leaves it over.
fn sweep(folder: &LeaseDirectory, names: &Names) -> LeaseResult<()> {
    let oldest_kept = last(names).saturating_sub(KEPT);
    let is_over =
        |files: &BTreeSet<TicketFile>| files.contains(&TicketFile::Over) || !files.contains(&TicketFile::Ticket);
    let old: Vec<u64> =
        names.range(..oldest_kept).filter(|(_, files)| is_over(files)).map(|(number, _)| *number).collect();
    if old.len() < WORTH_SWEEPING {
        return Ok(());
    }
    for number in old {
        for file in [TicketFile::Ticket, TicketFile::Job, TicketFile::Beat, TicketFile::Over] {
            if names[&number].contains(&file) {
                fs::remove(&folder.ticket(number, file))?;
            }
        }
    }
    Ok(())
}

/// Give a ticket to an attempt of a job; `false` when it was taken from its driver before.
///
/// # Errors
/// When the disk refuses.
pub fn bind(folder: &LeaseDirectory, number: u64, job: &JobDirectory, attempt: u32, now: f64) -> LeaseResult<bool> {
    let binding = Binding::to(job.path().display().to_string(), attempt, now);
    let path = folder.ticket(number, TicketFile::Job);
    let bound = fs::try_create_exclusive(&path, &to_bytes(&binding), Durability::Process)? == Creation::Won;
    // Somebody may have given it back by hand.
    Ok(bound && !fs::exists(&folder.ticket(number, TicketFile::Over))?)
}

/// Record that no attempt will hold a ticket; `false` when one does.
pub(super) fn bury(folder: &LeaseDirectory, number: u64, message: &str, now: f64) -> LeaseResult<bool> {
    let path = folder.ticket(number, TicketFile::Job);
    let tombstone = to_bytes(&Binding::tombstone(message, now));
    Ok(fs::create_exclusive(&path, &tombstone, Durability::Process)? == Creation::Won)
}

/// Tell other hosts that the driver that holds a ticket lives.
///
/// # Errors
/// When the disk refuses.
pub fn beat(folder: &LeaseDirectory, number: u64) -> LeaseResult<()> {
    Ok(fs::touch(&folder.ticket(number, TicketFile::Beat))?)
}

/// Give a ticket back. No error when it was before.
///
/// # Errors
/// When the disk refuses.
pub fn give_back(folder: &LeaseDirectory, number: u64) -> LeaseResult<()> {
    Ok(fs::second_name(&folder.ticket(number, TicketFile::Ticket), &folder.ticket(number, TicketFile::Over))?)
}
