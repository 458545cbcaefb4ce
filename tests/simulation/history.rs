//! What was committed, acknowledged and waited for, and what must be true of it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use longwait::{
    Code, Error,
    model::{
        event::{CANCEL_REQUESTED, ProcessEvent, STEP, STEP_FAILED},
        key::ProcessId,
        lease::{LeaseOwner, LivenessMark, ProcessLease},
        process::ProcessAwaitOutput,
        stream::Chunk,
    },
    rules::snapshot::Write,
};
use serde_json::Value;

use crate::{driven::Driven, policies::Policies, streams::Streams, tally::Tally};

pub type Log = Rc<RefCell<History>>;

#[derive(Default)]
pub struct History {
    pub lives: BTreeMap<String, LivenessLock>,
    /// Since when an id has been unknown, again or ever.
    unknown_since: BTreeMap<String, u64>,
    /// What each lease was given: fence by process, and who got it.
    fences: BTreeMap<String, u64>,
    holders: BTreeMap<(String, u64), String>,
    held: BTreeMap<String, ProcessLease>,
    committed: BTreeSet<u64>,
    /// How often each process was begun since it was registered.
    attempts: BTreeMap<String, u64>,
    outputs: BTreeMap<String, Vec<ProcessAwaitOutput>>,
    /// What the waits of each life of a job came to, by the place of the program and the names.
    choices: BTreeMap<(String, u64), Choices>,
    /// The lives of jobs whose run is in the middle of a race.
    racing: BTreeSet<(String, u64)>,
    policies: Policies,
    pub streams: Streams,
    pub dead: BTreeSet<String>,
    /// When the wall clock was set back last, by the clock that never goes back.
    pub set_back: u64,
    /// By how much it was set back in all.
    pub behind: u64,
    /// How late a tab may see what others committed.
    lag: u64,
    /// The processes with a commit whose caller was not answered: it may do again what that recorded.
    pub unsettled: BTreeSet<String>,
    /// The deletions by force that are under way.
    pub deleting: Vec<&'static str>,
    pub tally: Tally,
}

/// What the waits of one program came to: the sequence of a signal or nothing, by where it was and the names.
type Choices = BTreeMap<(u64, u64, String), Option<u64>>;

/// One life of an id: from its registration until it is pruned.
#[derive(Default)]
pub struct LivenessLock {
    born: u64,
    pub events: Vec<(Rc<ProcessEvent>, u64)>,
    ended: Option<u64>,
    /// Whether a driver runs it.
    job: bool,
}

/// What a wait waits for.
#[derive(Clone, Debug)]
pub enum Until {
    Ended,
    Event(&'static str, u64),
}

impl History {
    /// Nothing yet, of tabs that may see so much later what others committed.
    pub fn with_lag(lag: u64) -> Self {
        Self { lag, ..Self::default() }
    }

    /// Notes down a commit, and checks what must be true of it. Spans go by `now`, which never goes back, and leases by the
    /// `wall` clock, as the rules saw it. The row of one process may be `unreadable`.
    pub fn committed(&mut self, now: u64, wall: u64, writes: &[Write], unreadable: Option<&ProcessId>) {
        self.policies.committed(writes, unreadable, &mut self.tally);
        for write in writes {
            match write {
                Write::Process(record) => {
                    let id = record.id().to_string();
                    let job = !record.registered.registration.input.is_external();
                    let life = self.lives.entry(id.clone()).or_insert_with(|| LivenessLock {
                        born: now,
                        job,
                        ..LivenessLock::default()
                    });
                    if let (Some(terminal), None) = (record.terminal(), life.ended) {
                        life.ended = Some(now);
                        self.outputs.entry(id.clone()).or_default().push(terminal.await_output.clone());
                        self.tally.count("end");
                        if let ProcessAwaitOutput::Failure { code, .. } = &terminal.await_output {
                            match code.as_str() {
                                "abandoned" => self.tally.count("abandoned"),
                                "deadline_exceeded" => self.tally.count("deadline"),
                                "crash_loop" => self.tally.count("crash loop"),
                                _ => {}
                            }
                        }
                    }
                    self.unknown_since.remove(&id);
                }
                Write::Event { event, .. } => self.appended(now, wall, event),
                Write::Lease(id, slot) => {
                    self.leased(wall, id, slot.last_fence, slot.held.as_ref());
                    self.attempts.extend(slot.attempts.map(|attempts| (id.to_string(), attempts)));
                }
                Write::Prune(id) => {
                    let life = self.lives.remove(id.as_str()).expect("pruned what was not there");
                    let deleted = life.ended.is_none();
                    assert!(!deleted || self.deletes(id.as_str()), "pruned a running process");
                    if !deleted {
                        self.check_job(id.as_str(), &life);
                    }
                    self.attempts.remove(id.as_str());
                    self.unknown_since.insert(id.to_string(), now);
                    self.held.remove(id.as_str());
                    self.streams.pruned(id);
                    self.tally.count(if deleted { "deleted by force" } else { "prune" });
                }
                Write::Chunks(row) => {
                    let id = row.process_id.as_str();
                    let held = self.held.get(id).filter(|held| held.expires_at_ms > wall);
                    let fence = held.map(|held| held.fencing_token);
                    self.streams.committed(row, self.attempts.get(id).copied(), fence);
                    self.tally.count(if row.attempt > 1 { "chunks of a later attempt" } else { "chunks put out" });
                }
                Write::Count(..)
                | Write::AckWake(..)
                | Write::Grant(_)
                | Write::Revoke(..)
                | Write::Attachment(..)
                | Write::Detach(..)
                | Write::Stream(_)
                | Write::DropChunks(..) => {}
            }
        }
    }

    fn appended(&mut self, now: u64, wall: u64, event: &Rc<ProcessEvent>) {
        let id = event.process_id.as_str();
        let life = self.lives.get_mut(id).expect("an event of an unknown process");
        assert_eq!(event.sequence, life.events.len() as u64 + 1, "sequences of {id} are not dense");
        let number = number_of(event);
        assert!(
            number.is_none() || !life.events.iter().any(|(earlier, _)| number_of(earlier) == number),
            "append {number:?} was done twice"
        );
        life.events.push((event.clone(), now));
        self.committed.extend(number);
        self.tally.count("append");
        let Some(fence) = fence_of(event) else { return };
        self.tally.count("fenced write");
        assert_eq!(
            self.fences.get(id),
            Some(&fence),
            "{id} took a write of fence {fence} after a higher one was given"
        );
        let held = self.held.get(id).expect("a fenced write of {id} without a lease");
        assert!(
            held.fencing_token == fence && held.expires_at_ms > wall,
            "{id} took a write of a lease that has ended"
        );
    }

    fn is_dead(&self, owner: &LeaseOwner) -> bool {
        match &owner.liveness {
            Some(LivenessMark::WebLock { lock_name }) => self.dead.contains(lock_name.as_str()),
            Some(LivenessMark::Opaque {}) | None => false,
        }
    }

    fn leased(&mut self, wall: u64, id: &str, last_fence: u64, held: Option<&ProcessLease>) {
        let highest = self.fences.get(id).copied().unwrap_or_default();
        let before = self.held.get(id).cloned();
        match held {
            Some(lease) if before.as_ref().is_none_or(|before| before.lease_token != lease.lease_token) => {
                assert!(lease.fencing_token > highest, "the fence of {id} did not rise above {highest}");
                if let Some(before) = before {
                    let dead = self.is_dead(&before.owner);
                    let expired = before.expires_at_ms <= wall;
                    assert!(expired || dead, "{id} was taken from a living holder");
                    self.tally.count(if expired { "takeover of the expired" } else { "reclaim from the dead" });
                }
                let holder = lease.owner.incarnation_id.clone();
                let earlier = self.holders.insert((id.to_owned(), lease.fencing_token), holder);
                assert_eq!(earlier, None, "two runners under one fence of {id}");
                self.tally.count("acquire");
            }
            Some(lease) => assert_eq!(lease.fencing_token, highest, "a fence of {id} changed under its lease"),
            None => {}
        }
        assert!(last_fence >= highest, "the fence of {id} fell");
        self.fences.insert(id.to_owned(), last_fence);
        match held {
            Some(lease) => self.held.insert(id.to_owned(), lease.clone()),
            None => self.held.remove(id),
        };
    }

    /// The jobs that run.
    pub fn running_jobs(&self) -> Vec<String> {
        let running = self.lives.iter().filter(|(_, life)| life.job && life.ended.is_none());
        running.map(|(id, _)| id.clone()).collect()
    }

    fn deletes(&self, id: &str) -> bool {
        self.deleting.contains(&id)
    }

    /// Every job has ended, and its log tells of no broken promise.
    pub fn check_jobs(&mut self) {
        let lives = std::mem::take(&mut self.lives);
        lives.iter().for_each(|(id, life)| self.check_job(id, life));
        self.lives = lives;
    }

    fn check_job(&mut self, id: &str, life: &LivenessLock) {
        if !life.job {
            return;
        }
        let events: Vec<_> = life.events.iter().map(|(event, _)| event.clone()).collect();
        let attempts = self.attempts.get(id).copied();
        if let Err(fault) = (Driven {
            id: id.to_owned(),
            ended: life.ended.is_some(),
            events,
            attempts,
            max_attempts: None,
            steady_clock: false,
        })
        .check()
        {
            panic!("{fault}");
        }
        self.tally.count("job ended");
    }

    /// When a process was born, if it lives.
    pub fn born(&self, id: &str) -> Option<u64> {
        self.lives.get(id).map(|life| life.born)
    }

    /// A run was given a value for a step: the one that is recorded.
    pub fn step_given(&mut self, id: &str, born: Option<u64>, key: &str, value: &Value) {
        // What was pruned since is gone, and was checked then.
        let Some(life) = self.lives.get(id).filter(|life| Some(life.born) == born) else { return };
        let outcome = |event: &ProcessEvent| {
            let payload = event.payload.value();
            match event.event_type.as_str() {
                STEP if payload["key"] == key => Some(payload["value"].clone()),
                STEP_FAILED if payload["key"] == key && payload["retryAtMs"].is_null() => {
                    Some(payload["error"]["raw"].clone())
                }
                _ => None,
            }
        };
        let recorded: Vec<_> = life.events.iter().filter_map(|(event, _)| outcome(event)).collect();
        assert_eq!(recorded, std::slice::from_ref(value), "a run of {id} was given another value for {key}");
        if value["most"].is_number() {
            self.tally.count("step failed for good");
        }
    }

    /// Whether a process was asked to stop.
    pub fn is_asked_to_stop(&self, id: &str) -> bool {
        let is_request = |(event, _): &(Rc<ProcessEvent>, u64)| event.event_type == CANCEL_REQUESTED;
        self.lives.get(id).is_none_or(|life| life.events.iter().any(is_request))
    }

    /// An attempt of a step is made at `wall`: not before its time, unless the clock was set back since.
    pub fn step_tried(&mut self, id: &str, born: Option<u64>, fence: u64, (key, attempt): (&str, u64), wall: u64) {
        let Some(life) = self.lives.get(id).filter(|life| Some(life.born) == born) else { return };
        if self.fences.get(id) != Some(&fence) {
            // A run that was taken over and does not know it yet records nothing of it.
            return;
        }
        let failed = |event: &ProcessEvent| event.event_type == STEP_FAILED && event.payload.value()["key"] == key;
        let Some((last, at)) = life.events.iter().rfind(|(event, _)| failed(event)) else {
            return assert_eq!(attempt, 1, "attempt {attempt} of {key} of {id} follows none");
        };
        let last = last.payload.value();
        if self.unsettled.contains(id) && last["attempt"].as_f64() == Some(attempt as f64) {
            return;
        }
        assert_eq!(last["attempt"].as_f64().map(|before| before as u64 + 1), Some(attempt), "of {key} of {id}");
        let due = last["retryAtMs"].as_f64().expect("a step was tried after it had failed") as u64;
        assert!(due <= wall || self.set_back > *at, "attempt {attempt} of {key} of {id} at {wall}, before {due}");
        self.tally.count("step tried again");
    }

    /// A run began.
    pub fn begins(&mut self, id: &str, born: Option<u64>) {
        if born.is_some_and(|born| self.racing.remove(&(id.to_owned(), born))) {
            self.tally.count("hand-over in a race");
        }
    }

    /// A run is in the middle of racing waits, or is through.
    pub fn races(&mut self, id: &str, born: Option<u64>, on: bool) {
        let Some(born) = born else { return };
        match on {
            true => self.racing.insert((id.to_owned(), born)),
            false => self.racing.remove(&(id.to_owned(), born)),
        };
    }

    /// A wait of a run came to this: it took a signal, or timed out. At the same place, each run of the process comes to the same.
    pub fn chosen(
        &mut self,
        id: &str,
        born: Option<u64>,
        (from, to): (u64, u64),
        names: &[&str],
        sequence: Option<u64>,
    ) {
        let Some(born) = born.filter(|born| self.born(id) == Some(*born)) else { return };
        let choices = self.choices.entry((id.to_owned(), born)).or_default();
        let before = *choices.entry((from, to, names.join(","))).or_insert(sequence);
        assert_eq!(before, sequence, "at {from}, the wait of {id} for {names:?} came to something else in another run");
    }

    /// A run was given a signal: the one of that number.
    pub fn signal_given(&self, id: &str, born: Option<u64>, ordinal: usize, given: &ProcessEvent) {
        let Some(life) = self.lives.get(id).filter(|life| Some(life.born) == born) else { return };
        let mut signals = life.events.iter().filter(|(event, _)| event.event_type == given.event_type);
        let due = signals.nth(ordinal - 1).map(|(event, _)| event.sequence);
        assert_eq!(due, Some(given.sequence), "wait {ordinal} of {id} got another signal");
    }

    /// A reader was given these chunks of a process from an index on: those that were committed there, unless it was pruned since.
    pub fn read(&mut self, id: &ProcessId, born: Option<u64>, from: u64, chunks: &[Chunk]) {
        if chunks.is_empty() || born != self.born(id) {
            return;
        }
        let committed = self.streams.of(id).iter().skip(from as usize).take(chunks.len());
        assert!(chunks.iter().eq(committed), "a reader of {id} got what was never committed, or not there");
        self.tally.count("chunks read");
    }

    /// An append was acknowledged.
    pub fn acknowledged(&self, event: &ProcessEvent) {
        let number = number_of(event).unwrap();
        assert!(self.committed.contains(&number), "append {number} was acknowledged and never committed");
    }

    /// Since when what a wait waits for has been so.
    pub fn holds_since(&self, id: &str, until: &Until, start: u64) -> Option<u64> {
        let Some(life) = self.lives.get(id) else { return Some(*self.unknown_since.get(id).unwrap_or(&start)) };
        match until {
            Until::Ended => life.ended,
            Until::Event(event_type, after) => {
                let fits =
                    |(event, _): &&(Rc<ProcessEvent>, u64)| event.event_type == *event_type && event.sequence > *after;
                life.events.iter().find(fits).map(|(_, at)| *at)
            }
        }
    }

    /// A wait ended in this way.
    pub fn resolved(&mut self, id: &str, start: u64, outcome: Result<Found, Error>) {
        match outcome {
            Ok(Found::Output(output)) => {
                assert!(self.outputs.get(id).is_some_and(|outputs| outputs.contains(&output)), "{id} never ended so");
                self.tally.count("wait resolved");
            }
            Ok(Found::Event(event)) => {
                let number = number_of(&event);
                assert!(number.is_none_or(|number| self.committed.contains(&number)), "no such event of {id}");
                self.tally.count("wait resolved");
            }
            Err(fault) if fault.code() == Code::UnknownProcess => {
                let since = self.lives.get(id).map(|life| life.born);
                assert!(since.is_none_or(|born| born + self.lag >= start), "{id} was known all the time");
                self.tally.count("wait unknown");
            }
            Err(fault) => {
                assert!(matches!(fault.code(), Code::StorageFailed | Code::Disconnected), "{fault:?}");
                self.tally.count("wait failed");
            }
        }
    }
}

/// What a wait found.
pub enum Found {
    Output(ProcessAwaitOutput),
    Event(Rc<ProcessEvent>),
}

/// The number that every append of a simulation carries.
fn number_of(event: &ProcessEvent) -> Option<u64> {
    field(event, "number")
}

/// The fence that a fenced write says it is of.
fn fence_of(event: &ProcessEvent) -> Option<u64> {
    field(event, "fence")
}

fn field(event: &ProcessEvent, name: &str) -> Option<u64> {
    let payload = event.payload.value();
    let inside = payload["awaitOutput"].get("value").or(payload.get("value")).unwrap_or(&payload);
    inside.get(name)?.as_f64().map(|number| number as u64)
}
