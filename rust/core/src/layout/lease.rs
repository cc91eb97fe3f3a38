//! The files of a resource that jobs share: a token, or a folder with few writers.

use std::path::{Path, PathBuf};

/// The files of one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TicketFile {
    /// How many units, and which driver asks.
    Ticket,
    /// Which attempt of a job holds it, or that none will.
    Job,
    /// Touched by the driver as long as the ticket is its own.
    Beat,
    /// It was given back.
    Over,
}

impl TicketFile {
    /// The extension of the file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Job => "job",
            Self::Beat => "beat",
            Self::Over => "over",
        }
    }

    /// The number and the kind that a file name stands for; `None` for other files.
    pub(crate) fn parse(name: &str) -> Option<(u64, Self)> {
        let (number, extension) = name.split_once('.')?;
        let known = [Self::Ticket, Self::Job, Self::Beat, Self::Over];
        let kind = known.into_iter().find(|kind| kind.extension() == extension)?;
        Some((number.parse().ok()?, kind))
    }
}

/// The folder of a resource that jobs share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseDirectory {
    path: PathBuf,
}

impl LeaseDirectory {
    /// The resource in a folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many units there are.
    pub fn information(&self) -> PathBuf {
        self.path.join("informations.json")
    }

    /// Holds the tickets.
    pub fn tickets(&self) -> PathBuf {
        self.path.join("tickets")
    }

    /// One file of one ticket.
    pub fn ticket(&self, number: u64, file: TicketFile) -> PathBuf {
        self.tickets().join(format!("{number:010}.{}", file.extension()))
    }
}
