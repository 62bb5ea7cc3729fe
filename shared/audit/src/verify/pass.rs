//! The one pass over the leaves, some bundles at a time: read side by side, then judged side by side, in order where
//! order matters.

use std::ops::{ControlFlow, Range};
use std::thread;

use countersign_tlog::Bundle;

use super::Progress;
use super::files::Files;
use super::ledger::Ledger;
use super::read::{Part, Reader};
use super::selection::Selection;
use super::tree::Spine;
use crate::life::{Lives, Start, start_of};
use crate::pack::{Pack, Query};
use crate::policy::TrustPolicy;
use crate::record::{Record, RequestKey};
use crate::report::{Place, Report};

/// So many bundles are in memory at once.
const AT_ONCE: u64 = 32;

/// In so many parts requests are judged. More than two gain nothing beside what goes in order.
const SHARDS: u64 = 2;

/// What the pass knows.
pub struct Pass<'a> {
    pack: &'a Pack,
    query: &'a Query,
    policy: &'a TrustPolicy,
    threads: u64,
    judges: Option<(Ledger, Vec<Lives>)>,
    selection: Option<Selection>,
    unread: u64,
}

impl<'a> Pass<'a> {
    pub fn new(pack: &'a Pack, query: &'a Query, policy: &'a TrustPolicy, selection: Selection) -> Self {
        let threads = thread::available_parallelism().map_or(1, |count| count.get().min(8) as u64);
        Self { pack, query, policy, threads, judges: None, selection: Some(selection), unread: 0 }
    }

    /// Goes through all leaves, or as far as there are any.
    pub fn run(
        &mut self,
        spine: &mut Spine<'_>,
        files: &mut Files,
        report: &mut Report,
        progress: &mut dyn FnMut(Progress),
    ) -> ControlFlow<()> {
        let range = self.query.start..self.query.end;
        let bundles = range.start / 256..range.end.div_ceil(256);
        let mut next = bundles.start;
        progress(Progress { done: 0, all: range.end - range.start });
        while next < bundles.end {
            let until = bundles.end.min(next + AT_ONCE);
            let mut parts = self.read(next..until, &range);
            next = until;
            for part in &parts {
                if let Some(entry) = &part.entry {
                    files.hashed(&part.path, entry, report);
                }
            }
            let whole = parts.iter().position(|part| part.failed.is_some());
            let stopped = whole.map(|at| parts.drain(at..).next());
            for part in &parts {
                if let Err(error) = spine.take(part, report) {
                    report.broken(4, Place::file(&part.path), error.to_string());
                }
                self.unreadable(part, report);
            }
            self.judge(&parts, report);
            if let Some(part) = stopped.flatten() {
                let (offset, what) = part.failed.unwrap_or_default();
                report.broken(4, Place::File { path: part.path, offset }, what);
                return ControlFlow::Break(());
            }
            progress(Progress {
                done: (next * 256).min(range.end) - range.start,
                all: range.end - range.start,
            });
        }
        ControlFlow::Continue(())
    }

    fn read(&self, bundles: Range<u64>, range: &Range<u64>) -> Vec<Part> {
        let (filter, end) = (&self.query.filter, self.query.end);
        let reader = Reader { files: self.pack.files(), filter, range: range.clone() };
        let read = |index| Bundle::of(index, end).map(|bundle| reader.read(bundle));
        let share = bundles.end.saturating_sub(bundles.start).div_ceil(self.threads).max(1);
        thread::scope(|scope| {
            let workers: Vec<_> = (bundles.start..bundles.end)
                .step_by(usize::try_from(share).unwrap_or(usize::MAX))
                .map(|first| {
                    let some = first..bundles.end.min(first + share);
                    scope.spawn(move || some.filter_map(read).collect::<Vec<_>>())
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        })
    }

    fn unreadable(&mut self, part: &Part, report: &mut Report) {
        for leaf in &part.leaves {
            if let Err(what) = &leaf.record {
                self.unread += 1;
                let place = Place::Leaf { index: leaf.index, event: String::new() };
                let what = format!("not a leaf: {what} ({}, byte {})", part.path, leaf.at.start);
                report.broken(6, place, what);
            }
        }
    }

    fn judge(&mut self, parts: &[Part], report: &mut Report) {
        let records =
            || parts.iter().flat_map(|part| &part.leaves).filter_map(|leaf| leaf.record.as_ref().ok());
        if self.judges.is_none() {
            let Some(first) = records().next() else { return };
            let start = start_of(self.query.start, first);
            self.genesis(first, start, report);
            let lives = (0..SHARDS).map(|_| Lives::for_verify(start)).collect();
            self.judges = Some((Ledger::new(self.query.origin.as_str(), start), lives));
        }
        let (Some((ledger, lives)), Some(selection)) = (&mut self.judges, &mut self.selection) else {
            return;
        };
        thread::scope(|scope| {
            for (shard, lives) in (0..).zip(lives.iter_mut()) {
                let mine = move |key: RequestKey| key % RequestKey::from(SHARDS) == shard;
                let records = records();
                scope.spawn(move || records.for_each(|record| lives.take(record, mine)));
            }
            records().for_each(|record| ledger.take(record));
            parts.iter().for_each(|part| selection.take(part));
        });
        let ran = lives.iter_mut().flat_map(|lives| std::mem::take(&mut lives.ran)).collect();
        ledger.settle(ran);
        let mut found: Vec<_> = lives.iter_mut().flat_map(|lives| std::mem::take(&mut lives.found)).collect();
        found.append(&mut ledger.found);
        found.sort_by(|one, other| one.place.cmp(&other.place));
        found.append(&mut selection.found);
        found.into_iter().for_each(|finding| report.add(finding));
    }

    /// A log says with its first leaf which it is.
    fn genesis(&self, first: &Record, start: Start, report: &mut Report) {
        if self.query.start > 0 {
            return;
        }
        let place = || Place::of(first);
        #[derive(serde::Deserialize)]
        struct Genesis {
            origin: String,
            key: String,
        }
        let own = first.own.as_deref().filter(|_| first.kind() == "log.genesis");
        let Some(Ok(genesis)) = own.map(serde_json::from_str::<Genesis>) else {
            report.broken(2, place(), "a log's first leaf is its log.genesis");
            return;
        };
        let trusted = self.policy.logs().iter().any(|key| key.to_string() == genesis.key);
        if genesis.origin != self.query.origin.as_str() || !trusted {
            let what =
                "the log began as another: its first leaf names an origin or key that the policy does not";
            report.broken(2, place(), what);
        }
        if let Start::Middle(_) = start {
            report.note(10, "requests may have begun in the log before this one".into());
        }
    }

    /// What only the end can tell.
    pub fn end(self, files: &mut Files, report: &mut Report) {
        let Some((mut ledger, lives)) = self.judges else { return };
        ledger.end();
        std::mem::take(&mut ledger.found).into_iter().for_each(|finding| report.add(finding));
        let requests: u64 = lives.iter().map(Lives::len).sum();
        let begun: u64 = lives.iter().map(|lives| lives.begun_before).sum();
        let counts = [
            (4, self.query.end - self.query.start),
            (6, ledger.events + self.unread),
            (7, requests + ledger.agents() + 1),
            (8, ledger.numbered),
            (9, ledger.own_events),
            (10, requests),
            (12, ledger.events),
        ];
        counts.into_iter().for_each(|(check, count)| report.count(check, count));
        if begun > 0 {
            let note = format!("{begun} requests begun before the range: only their chains are looked at");
            report.note(10, note);
        }
        if let Some(selection) = self.selection {
            selection.end(lives, self.pack, self.query, files, report);
        }
    }
}
