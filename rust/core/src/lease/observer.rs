//! One process's view of a line: what never changes is read once, and holders are watched over time.

use std::collections::HashMap;
use std::time::Duration;

use super::holder::{Clock, Look, Verdict, Watch};
use super::line::{Line, Place};
use super::number::{Names, give_back, names, take_ticket};
use super::ticket::{Binding, Stored, Ticket};
use super::total::total;
use super::{LeaseError, LeaseResult};
use crate::claim::HEARTBEAT_PATIENCE;
use crate::layout::{LeaseDirectory, TicketFile};

#[derive(Debug, Default)]
struct Seen {
    ticket: Stored<Ticket>,
    binding: Stored<Binding>,
    watch: Option<Watch>,
}

/// Who stands in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// The ticket.
    pub number: u64,
    /// How many units; as many as there are if the ticket cannot be understood.
    pub units: u32,
    /// Whether it has them, or waits.
    pub granted: bool,
    /// The folder of the job.
    pub job: Option<String>,
    /// The attempt that holds it, once there is one.
    pub attempt: Option<u32>,
    /// The host of the driver that asked.
    pub host: Option<String>,
    /// The process of the driver that asked.
    pub pid: Option<u32>,
    /// When it asked, in seconds since 1970.
    pub since: Option<f64>,
}

/// Watches the line of one resource.
#[derive(Debug)]
pub struct Observer {
    folder: LeaseDirectory,
    patience: Duration,
    seen: HashMap<u64, Seen>,
}

impl Observer {
    /// Watch this resource.
    pub fn new(folder: LeaseDirectory) -> Self {
        Self { folder, patience: HEARTBEAT_PATIENCE, seen: HashMap::new() }
    }

    /// Give processes of other hosts up when their heartbeat stood still for so long.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The resource.
    pub fn folder(&self) -> &LeaseDirectory {
        &self.folder
    }

    /// The line as it is now. Holders are believed to live.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn line(&mut self) -> LeaseResult<Line> {
        let found = names(&self.folder)?;
        self.line_of(found)
    }

    /// Take a ticket; answers its number and the line in which it stands.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn request(&mut self, ticket: Ticket) -> LeaseResult<(u64, Line)> {
        let (number, found) = take_ticket(&self.folder, &ticket)?;
        self.seen.entry(number).or_default().ticket = Stored::Record(ticket);
        Ok((number, self.line_of(found)?))
    }

    fn line_of(&mut self, found: Names) -> LeaseResult<Line> {
        let total = total(&self.folder)?;
        let mut active = Vec::new();
        for (number, files) in found {
            if files.contains(&TicketFile::Over) || !files.contains(&TicketFile::Ticket) {
                self.seen.remove(&number);
                continue;
            }
            let seen = self.seen.entry(number).or_default();
            if seen.ticket.is_absent() {
                seen.ticket = Stored::read(&self.folder.ticket(number, TicketFile::Ticket))?;
            }
            if seen.ticket.is_absent() {
                // Gone since the folder was listed: it was over long ago.
                self.seen.remove(&number);
                continue;
            }
            // What cannot be understood may stand for all there is.
            let units = seen.ticket.record().map_or(total, |ticket| ticket.units);
            active.push(Place { number, units });
        }
        if let Some(first) = active.first().map(|place| place.number) {
            self.seen.retain(|number, _| *number >= first);
        }
        Ok(Line::new(total, active))
    }

    /// The line without those that are over, though nobody has said so; `clock` is any clock of this process that never
    /// goes back, `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When the disk refuses. A holder that cannot be asked is no error: it lives.
    pub fn settle(&mut self, clock: Duration, now: f64) -> LeaseResult<Line> {
        let line = self.line()?;
        let mut left = Vec::new();
        for place in line.places() {
            let verdict = self.judge(place.number, clock).unwrap_or(Verdict::Alive);
            let is_over = verdict.settle(&self.folder, place.number, now).unwrap_or(false);
            if is_over && give_back(&self.folder, place.number).is_ok() {
                self.seen.remove(&place.number);
            } else {
                left.push(*place);
            }
        }
        Ok(Line::new(line.total(), left))
    }

    /// As [`Self::settle`], but nothing is written: for people who want to see.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn peek(&mut self, clock: Duration) -> LeaseResult<Line> {
        let line = self.line()?;
        let mut is_over =
            |place: &Place| self.judge(place.number, clock).is_ok_and(|verdict| verdict != Verdict::Alive);
        let left: Vec<Place> = line.places().iter().copied().filter(|place| !is_over(place)).collect();
        Ok(Line::new(line.total(), left))
    }

    fn judge(&mut self, number: u64, clock: Duration) -> LeaseResult<Verdict> {
        self.read_binding(number)?;
        let (folder, clock) = (&self.folder, Clock { now: clock, patience: self.patience });
        let Some(seen) = self.seen.get_mut(&number) else { return Ok(Verdict::Alive) };
        let Seen { ticket, binding, watch } = seen;
        Look { folder, number, ticket, binding, watch, clock }.judge()
    }

    fn read_binding(&mut self, number: u64) -> Result<(), LeaseError> {
        let path = self.folder.ticket(number, TicketFile::Job);
        if let Some(seen) = self.seen.get_mut(&number)
            && seen.binding.is_absent()
        {
            seen.binding = Stored::read(&path)?;
        }
        Ok(())
    }

    /// Those in a line, for people.
    pub fn holders(&mut self, line: &Line) -> Vec<Holder> {
        let granted: Vec<u64> = line.granted().map(|place| place.number).collect();
        line.places()
            .iter()
            .map(|place| {
                // Who cannot be read is shown by number.
                let _ = self.read_binding(place.number);
                let seen = self.seen.get(&place.number);
                let ticket = seen.and_then(|seen| seen.ticket.record());
                let binding = seen.and_then(|seen| seen.binding.record());
                Holder {
                    number: place.number,
                    units: place.units,
                    granted: granted.contains(&place.number),
                    job: binding
                        .and_then(|binding| binding.directory.clone())
                        .or_else(|| ticket.and_then(|ticket| ticket.job.clone())),
                    attempt: binding.filter(|binding| binding.directory.is_some()).map(|binding| binding.attempt),
                    host: ticket.map(|ticket| ticket.driver.host.clone()),
                    pid: ticket.map(|ticket| ticket.driver.pid),
                    since: binding.map(|binding| binding.time).or_else(|| ticket.map(|ticket| ticket.time)),
                }
            })
            .collect()
    }
}
