//! Who has units and who waits: pure arithmetic over the tickets that are not over.

/// One ticket that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The ticket.
    pub number: u64,
    /// How many units it asks for.
    pub units: u32,
}

/// The tickets that are not over, in the order in which they were taken.
///
/// ```
/// use experimaestro_core::lease::{Line, Place};
///
/// let line = Line::new(2, [(1, 1), (2, 2), (5, 1)].map(|(number, units)| Place { number, units }));
/// assert!(line.is_granted(1));
/// assert!(!line.is_granted(2), "one unit is left, and it needs two");
/// assert!(!line.is_granted(5), "nobody overtakes");
/// assert_eq!(line.used(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    total: u32,
    places: Vec<Place>,
}

impl Line {
    /// The line of these tickets for a number of units.
    pub fn new(total: u32, places: impl IntoIterator<Item = Place>) -> Self {
        let mut places: Vec<Place> = places.into_iter().collect();
        places.sort_unstable_by_key(|place| place.number);
        Self { total, places }
    }

    /// How many units there are.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// The tickets, in order.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The tickets that have their units: those before the first one for which there are not enough.
    pub fn granted(&self) -> impl Iterator<Item = Place> + '_ {
        let mut taken: u32 = 0;
        self.places.iter().copied().take_while(move |place| {
            taken = taken.saturating_add(place.units);
            taken <= self.total
        })
    }

    /// Whether a ticket has its units.
    pub fn is_granted(&self, number: u64) -> bool {
        self.granted().any(|place| place.number == number)
    }

    /// Whether a ticket stands in it, with units or without: not once it is over, whoever said so.
    pub fn has(&self, number: u64) -> bool {
        self.places.iter().any(|place| place.number == number)
    }

    /// How many units are in use.
    pub fn used(&self) -> u32 {
        self.granted().map(|place| place.units).sum()
    }

    /// How many units a new ticket could have at once: none while somebody waits.
    pub fn available(&self) -> u32 {
        if self.granted().count() < self.places.len() { 0 } else { self.total.saturating_sub(self.used()) }
    }
}
