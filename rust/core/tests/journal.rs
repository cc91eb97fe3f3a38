//! Laws of the journal: what was written whole is read back, whatever is cut off behind it.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::path::{Path, PathBuf};

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::job::{Failure, JobState, Place, Reason, Running, Success, Terms};
use experimaestro_core::journal::{Header, JournalError, JournalWriter, Record, RunHistory, Status, VERSION, read};
use proptest::prelude::*;
use tempfile::TempDir;

fn header() -> Header {
    Header {
        journal: VERSION,
        experiment: "x".into(),
        run_id: "20260101_000000".into(),
        driver: ProcessIdentity::current(),
        time: 1.5,
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    (folder, path)
}

fn job(number: u32) -> Record {
    Record::Job {
        job: number,
        task_id: "t.learn".into(),
        identifier: format!("{number:032x}"),
        dependencies: (0..number).collect(),
        terms: Terms { priority: i64::from(number), ..Terms::default() },
        tags: [("lr".to_owned(), serde_json::json!(0.1))].into_iter().collect(),
        time: f64::from(number),
    }
}

fn some_states() -> Vec<JobState> {
    let failure =
        Failure { message: Some("it\nbroke \"here\"".into()), ..Failure::before_start(Reason::Memory, "", 3.0) };
    vec![
        JobState::Waiting,
        JobState::Running(Running { place: Place::Adopted, pid: Some(7), started: Some(1.0) }),
        JobState::Done(Success { reused: true, started: None, ended: Some(2.0) }),
        JobState::Error(failure),
    ]
}

fn write(path: &Path, records: &[Record]) {
    let mut writer = JournalWriter::create(path, &header()).unwrap();
    for record in records {
        writer.record(record);
    }
    writer.sync().unwrap();
}

fn some_records() -> Vec<Record> {
    let mut records: Vec<Record> = (0..4).map(job).collect();
    records.extend((0u32..).zip(some_states()).map(|(number, state)| Record::state(number, &state, 9.0)));
    records.push(Record::Surroundings {
        environment: [("A".to_owned(), "b".to_owned())].into_iter().collect(),
        python_path: vec!["/p".to_owned()],
    });
    records.push(Record::Planned { job: 2, surroundings: 0 });
    records.push(Record::Closed { status: Status::Failed, time: 10.0 });
    records
}

#[test]
fn what_was_written_is_read_back() {
    let (_folder, path) = place();
    write(&path, &some_records());
    let history = read(&path).unwrap();
    assert_eq!(history.header, header());
    assert_eq!(history.closed, Some((Status::Failed, 10.0)));
    assert_eq!(history.jobs[3].dependencies, [0, 1, 2]);
    assert_eq!(history.jobs[3].terms.priority, 3);
    assert_eq!((history.jobs[2].surroundings, history.jobs[1].surroundings), (Some(0), None));
    assert_eq!(history.surroundings.len(), 1);
    for ((number, state), job) in (0u32..).zip(some_states()).zip(&history.jobs) {
        assert_eq!(Record::State(job.last.clone().unwrap()), Record::state(number, &state, 9.0));
        assert_eq!(job.last.as_ref().unwrap().to_state(), Some(state));
    }
}

#[test]
fn a_driver_that_goes_on_opens_the_run_again() {
    let (_folder, path) = place();
    write(&path, &some_records());
    let driver = ProcessIdentity { pid: 1, ..ProcessIdentity::current() };
    let mut writer = JournalWriter::resume(&path).unwrap();
    writer.record(&Record::Resumed { driver: driver.clone(), time: 11.0 });
    writer.flush().unwrap();
    let history = read(&path).unwrap();
    assert_eq!((history.header.driver, history.closed), (driver, None));
    assert_eq!(history.jobs.len(), 4);
}

#[test]
fn a_plan_without_its_job_or_surroundings_is_damage() {
    let (_folder, path) = place();
    write(&path, &[job(0), Record::Planned { job: 0, surroundings: 0 }]);
    assert!(matches!(read(&path), Err(JournalError::Damaged { line: 3, .. })));
}

/// What a reader makes of the first `length` bytes, if it makes anything of them.
fn prefix(path: &Path, bytes: &[u8], length: usize) -> Option<RunHistory> {
    std::fs::write(path, &bytes[..length]).unwrap();
    match read(path) {
        Ok(history) => Some(history),
        Err(JournalError::Missing(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_journal_cut_at_any_byte_keeps_its_whole_lines_and_can_go_on() {
    let (_folder, path) = place();
    write(&path, &some_records());
    let bytes = std::fs::read(&path).unwrap();
    let head = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in 0..bytes.len() {
        let history = prefix(&path, &bytes, length);
        assert_eq!(history.is_some(), length >= head, "cut at {length}");
        let Some(before) = history else { continue };
        let mut writer = JournalWriter::resume(&path).unwrap();
        let next = u32::try_from(before.jobs.len()).unwrap();
        writer.record(&job(next));
        writer.flush().unwrap();
        let after = read(&path).unwrap();
        assert_eq!(after.jobs[..before.jobs.len()], before.jobs, "cut at {length}");
        assert_eq!(after.jobs.len(), before.jobs.len() + 1, "cut at {length}");
    }
}

#[test]
fn a_newer_version_is_refused_with_a_sentence() {
    let (_folder, path) = place();
    std::fs::write(&path, "{\"journal\":2,\"other\":1}\n").unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error, JournalError::Newer { version: 2, .. }));
    assert!(error.to_string().contains("install a newer one"));
}

#[test]
fn an_event_of_a_later_release_is_passed_over() {
    let (_folder, path) = place();
    write(&path, &[job(0)]);
    experimaestro_core::fs::append(&path, b"{\"event\":\"service\",\"x\":1}\n").unwrap();
    assert_eq!(read(&path).unwrap().jobs.len(), 1);
}

proptest! {
    #[test]
    fn a_byte_changed_in_the_middle_is_never_a_panic(position in 0..1_000_000usize, byte in any::<u8>()) {
        let (_folder, path) = place();
        write(&path, &some_records());
        let mut bytes = std::fs::read(&path).unwrap();
        let position = position % bytes.len();
        bytes[position] = byte;
        std::fs::write(&path, &bytes).unwrap();
        let _ = read(&path);
    }
}
