//! After a trial: what the folders, the journals and the records outside of the workspace say must fit together.

use std::collections::HashSet;
use std::time::Duration;

use experimaestro_core::claim::{Evidence, Outcome, ProcessIdentity, evidence, evidence_of, last_attempt};
use experimaestro_core::job::TransientMode;
use experimaestro_core::journal;
use experimaestro_core::layout::{JobDirectory, Workspace};
use experimaestro_core::lease::{Observer, Ticket};

use crate::job::{count, now, output};
use crate::plan::{Fate, Plan};
use crate::trial::{Findings, Places};
use crate::witness::{most_at_once, record};

/// A little more than others wait for a heartbeat.
const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(61);

pub(crate) fn check(plan: &Plan, places: &Places, findings: &mut Findings) {
    let faults = std::fs::read_to_string(&places.log).unwrap_or_default();
    findings.faults = faults.lines().count();
    let struck = faults.lines().filter(|line| !line.contains("Stall")).filter_map(|line| line.split(' ').next());
    let struck: HashSet<&str> = struck.collect();
    let fates = plan.fates();
    for (number, fate) in fates.iter().enumerate() {
        Checked::new(plan, places, number).check(*fate, &struck, findings);
    }
    for resource in 0..plan.resources.len() {
        check_resource(plan, places, resource, findings);
    }
    check_journals(places, &fates, findings);
}

/// One job, and the words that its executions left.
struct Checked<'a> {
    plan: &'a Plan,
    number: usize,
    job: JobDirectory,
    /// Word, attempt, process.
    lines: Vec<(String, u32, String)>,
}

impl<'a> Checked<'a> {
    fn new(plan: &'a Plan, places: &Places, number: usize) -> Self {
        let identifier = Plan::identifier(number);
        let job = Workspace::new(&places.workspace).job("t.job", &identifier);
        let text = std::fs::read_to_string(record(&places.records, &identifier)).unwrap_or_default();
        let parse = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0].to_owned(), words[1].parse().unwrap(), words[2].to_owned())
        };
        Self { plan, number, job, lines: text.lines().map(parse).collect() }
    }

    fn check(&self, fate: Fate, struck: &HashSet<&str>, findings: &mut Findings) {
        let starts: Vec<_> = self.lines.iter().filter(|line| line.0 == "start").collect();
        findings.executions += starts.len();
        findings.interruptions += self.lines.iter().filter(|line| line.0 == "interrupted").count();
        let mut problems = Vec::new();
        for line in &self.lines {
            if !matches!(line.0.as_str(), "start" | "end" | "interrupted" | "gone") {
                problems.push(format!("{line:?}"));
            }
        }
        let was_interrupted =
            |process: &str| self.lines.iter().any(|line| line.0 == "interrupted" && line.2 == process);
        let is_kept = self.plan.jobs[self.number].transient != TransientMode::Remove;
        let earlier = starts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        for start in earlier.iter().filter(|start| !struck.contains(start.2.as_str()) && !was_interrupted(&start.2)) {
            // A folder that was not kept is none: who needs the job again runs it again.
            if is_kept || !self.lines.iter().any(|line| line.0 == "end" && line.2 == start.2) {
                problems.push(format!("executed again although nothing happened to {start:?}"));
            }
        }
        if is_kept && !starts.is_sorted_by(|one, next| one.1 < next.1) {
            problems.push(format!("attempts {starts:?}"));
        }
        let last = starts.last().map(|start| start.1);
        match (fate, last) {
            (Fate::Done, _) => self.is_done(last, &mut problems),
            (Fate::DoneOrUnneeded, _) if self.job.done().exists() => self.is_done(last, &mut problems),
            // Once it was removed, another driver that had seen it may have begun it anew, and have been killed.
            (Fate::DoneOrUnneeded, _) if !is_kept => {}
            (Fate::Error, Some(_)) => self.is_used_up(&mut problems),
            (Fate::Unneeded, Some(_)) => problems.push("it was executed although nobody needed it".into()),
            (Fate::DoneOrUnneeded | Fate::ErrorOrUnneeded | Fate::Error | Fate::Unneeded, _) => {
                self.never_succeeded(&mut problems);
            }
        }
        findings.problems.extend(problems.into_iter().map(|text| format!("job {}: {text}", self.number)));
    }

    /// One success, in the attempt that was executed last, after as many interruptions as the task has.
    fn is_done(&self, last: Option<u32>, problems: &mut Vec<String>) {
        if !self.job.done().exists() || !output(&self.job).exists() {
            problems.push("no marker, or no outputs".into());
        }
        if !matches!(evidence(&self.job), Ok(Evidence::Done { marked: true, .. })) {
            problems.push(format!("its folder says {:?}", evidence(&self.job)));
        }
        let successes = self.successes();
        if last.is_none_or(|last| successes != [last]) {
            problems.push(format!("attempts {successes:?} are recorded as done, and {last:?} was executed last"));
        }
        let planned = &self.plan.jobs[self.number];
        self.ended_so_often(Outcome::Timeout, planned.timeouts, problems);
        self.ended_so_often(Outcome::Preempted, planned.preemptions, problems);
    }

    /// As many executions came to their time limit as were allowed, no more and no fewer.
    fn is_used_up(&self, problems: &mut Vec<String>) {
        self.never_succeeded(problems);
        self.ended_so_often(Outcome::Timeout, self.plan.jobs[self.number].retries.max_retries.max(1), problems);
    }

    fn never_succeeded(&self, problems: &mut Vec<String>) {
        if self.job.done().exists() || !self.successes().is_empty() {
            problems.push("it is recorded as done".into());
        }
    }

    fn successes(&self) -> Vec<u32> {
        let last = last_attempt(&self.job).unwrap().unwrap_or(0);
        (1..=last).filter(|number| matches!(evidence_of(&self.job, *number), Ok(Evidence::Done { .. }))).collect()
    }

    fn ended_so_often(&self, outcome: Outcome, wanted: u32, problems: &mut Vec<String>) {
        let last = last_attempt(&self.job).unwrap().unwrap_or(0);
        let found = count(&self.job, last, outcome).unwrap();
        if found != wanted {
            problems.push(format!("{found} attempts ended as {}, not {wanted}", outcome.name()));
        }
    }
}

/// Never too much at once, and all of it free in the end, whatever the dead have left.
fn check_resource(plan: &Plan, places: &Places, resource: usize, findings: &mut Findings) {
    let (capacity, lease) = (plan.resources[resource].capacity, plan.lease(&places.workspace, resource));
    let most = most_at_once(&places.records, resource);
    findings.contended += usize::from(most == capacity);
    let mut problem = |text: String| findings.problems.push(format!("resource {resource}: {text}"));
    if most > capacity {
        problem(format!("{most} of {capacity} units at once"));
    }
    let mut observer = Observer::new(lease);
    // Of another host only the heartbeat can tell: what does not beat now does not beat for a minute of this clock.
    let clock = if places.gone.is_some() { HEARTBEAT_PATIENCE } else { Duration::ZERO };
    drop(observer.peek(Duration::ZERO).unwrap());
    let left = observer.peek(clock).unwrap();
    if !left.places().is_empty() {
        problem(format!("still held: {:?}", observer.holders(&left)));
    }
    let (number, _) = observer.request(Ticket::new(capacity, &ProcessIdentity::current(), None, now())).unwrap();
    if !observer.settle(clock, now()).unwrap().is_granted(number) {
        problem("nobody has it, and it cannot be had".into());
    }
}

/// What the journal of the last run of each driver tells last is what must be.
fn check_journals(places: &Places, fates: &[Fate], findings: &mut Findings) {
    let gone = places.gone.map(|driver| format!("x{driver}"));
    for experiment in std::fs::read_dir(places.workspace.join("experiments")).unwrap() {
        let folder = experiment.unwrap().path();
        if folder.file_name().unwrap().to_str() == gone.as_deref() {
            continue;
        }
        let current = folder.join("current").join("journal.jsonl");
        match journal::read(&current) {
            Ok(history) => {
                for job in &history.jobs {
                    let fate = fates[usize::from_str_radix(&job.identifier, 16).unwrap()];
                    let state = job.last.as_ref().map(|last| last.state.as_str().to_owned());
                    // A folder that is not kept is removed after the last word about the job.
                    if !state.as_deref().is_some_and(|state| fate.is_met_by(state)) {
                        let text = format!("{} tells {state:?} of job {}", current.display(), job.identifier);
                        findings.problems.push(text);
                    }
                }
            }
            Err(error) => findings.problems.push(format!("{}: {error}", current.display())),
        }
    }
}
