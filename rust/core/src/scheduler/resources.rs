//! What jobs take while they run: slots and GPUs of this machine, which are counted here, and what others use too.

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

/// Jobs at once on this machine.
pub const SLOTS: ResourceId = ResourceId(0);

impl ResourceId {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            SLOTS => "slots of this machine (XPM_SLOTS)",
            GPUS => "GPUs of this machine (XPM_GPUS)",
            Self(_) => "units of a resource",
        }
    }
}

/// Devices of this machine that one job at a time uses.
pub const GPUS: ResourceId = ResourceId(1);

/// Something that other drivers use too (a token, a folder): only whether a job needs it matters here, since how much
/// there is of it, and who has it, is known elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedId(pub u32);

/// What a job takes: all of it at once, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    amounts: Vec<(ResourceId, u32)>,
    shared: Vec<SharedId>,
}

impl Request {
    /// Take these amounts. Amounts of the same kind add up.
    pub fn new(amounts: impl IntoIterator<Item = (ResourceId, u32)>) -> Self {
        let mut sorted: Vec<(ResourceId, u32)> = amounts.into_iter().filter(|(_, amount)| *amount > 0).collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        Self { amounts: sorted, shared: Vec::new() }
    }

    /// Take one slot.
    pub fn one_slot() -> Self {
        Self::new([(SLOTS, 1)])
    }

    /// The same, and leases of these.
    #[must_use]
    pub fn sharing(mut self, shared: impl IntoIterator<Item = SharedId>) -> Self {
        self.shared.extend(shared);
        self.shared.sort_unstable();
        self.shared.dedup();
        self
    }

    /// What it needs that other drivers use too.
    pub fn shared(&self) -> &[SharedId] {
        &self.shared
    }

    /// How much it takes of one kind.
    pub fn amount(&self, resource: ResourceId) -> u32 {
        self.amounts.iter().find(|(known, _)| *known == resource).map_or(0, |(_, amount)| *amount)
    }

    pub(super) fn uses_any(&self, kinds: &[ResourceId]) -> bool {
        self.amounts.iter().any(|(resource, _)| kinds.contains(resource))
    }
}

/// How much there is of each kind, and how much is taken.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    capacity: u32,
    used: u32,
}

impl Pool {
    /// A number of slots, and nothing else.
    pub fn with_slots(slots: u32) -> Self {
        let mut pool = Self::default();
        pool.set_capacity(SLOTS, slots);
        pool
    }

    fn kind(&self, resource: ResourceId) -> Kind {
        self.kinds.get(resource.0 as usize).copied().unwrap_or_default()
    }

    fn kind_mut(&mut self, resource: ResourceId) -> &mut Kind {
        let index = resource.0 as usize;
        if self.kinds.len() <= index {
            self.kinds.resize(index + 1, Kind::default());
        }
        &mut self.kinds[index]
    }

    /// Change how much there is of one kind.
    pub fn set_capacity(&mut self, resource: ResourceId, capacity: u32) {
        self.kind_mut(resource).capacity = capacity;
    }

    /// How much is taken of one kind.
    pub fn used(&self, resource: ResourceId) -> u32 {
        self.kind(resource).used
    }

    /// Whether a request can be met now.
    pub fn fits(&self, request: &Request) -> bool {
        request.amounts.iter().all(|(resource, amount)| {
            let kind = self.kind(*resource);
            kind.used.saturating_add(*amount) <= kind.capacity
        })
    }

    /// The kinds of which there is not enough now.
    pub(super) fn lacking(&self, request: &Request) -> impl Iterator<Item = ResourceId> {
        let lacks = |(resource, amount): &(ResourceId, u32)| {
            let kind = self.kind(*resource);
            (kind.used.saturating_add(*amount) > kind.capacity).then_some(*resource)
        };
        request.amounts.iter().filter_map(lacks)
    }

    /// The first kind of which there will never be enough: which, how much is asked for, how much there is.
    pub fn shortage(&self, request: &Request) -> Option<(ResourceId, u32, u32)> {
        let lacks = |(resource, amount): &(ResourceId, u32)| {
            let capacity = self.kind(*resource).capacity;
            (*amount > capacity).then_some((*resource, *amount, capacity))
        };
        request.amounts.iter().find_map(lacks)
    }

    /// Take, even beyond what there is: a job that was found running cannot be told to wait.
    pub fn take(&mut self, request: &Request) {
        for (resource, amount) in &request.amounts {
            let kind = self.kind_mut(*resource);
            kind.used = kind.used.saturating_add(*amount);
        }
    }

    /// Give back.
    pub fn release(&mut self, request: &Request) {
        for (resource, amount) in &request.amounts {
            let kind = self.kind_mut(*resource);
            kind.used = kind.used.saturating_sub(*amount);
        }
    }
}
