//! The selection made again: population.jsonl, population.csv and requests.csv hold what the filter gives, and the
//! counts are right.

use std::io;

use super::compare::Compare;
use super::files::Files;
use super::read::Part;
use crate::life::{Lives, Row};
use crate::pack::{Counts, POPULATION, POPULATION_CSV, Pack, QUERY, Query, REQUESTS_CSV};
use crate::report::{Finding, Place, Report};
use crate::rows;

/// The files of the selection on their way.
pub struct Selection {
    jsonl: Track,
    csv: Track,
    counts: Counts,
    pub found: Vec<Finding>,
}

/// A file, and whether it still goes with the leaves.
struct Track {
    path: &'static str,
    file: Option<Compare>,
    off: bool,
}

impl Selection {
    pub fn open(pack: &Pack, report: &mut Report) -> Self {
        let jsonl = Track::open(pack, POPULATION, report);
        let mut csv = Track::open(pack, POPULATION_CSV, report);
        let mut found = Vec::new();
        csv.header(rows::POPULATION_HEADER, &mut found);
        Self { jsonl, csv, counts: Counts::default(), found }
    }

    /// Takes the leaves of a bundle in.
    pub fn take(&mut self, part: &Part) {
        for leaf in &part.leaves {
            self.counts.leaves += 1;
            let (Ok(record), Some(row)) = (&leaf.record, &leaf.row) else { continue };
            self.counts.add_event(record.kind());
            let bytes = part.bytes.get(leaf.at.clone()).unwrap_or_default();
            let row = part.rows.get(row.clone()).unwrap_or_default();
            self.found.extend(self.jsonl.expect(&[bytes, b"\n"], || Place::of(record)));
            self.found.extend(self.csv.expect(&[row], || Place::of(record)));
        }
    }

    /// Compares what only the end can tell.
    pub fn end(
        mut self,
        lives: Vec<Lives>,
        pack: &Pack,
        query: &Query,
        files: &mut Files,
        report: &mut Report,
    ) {
        report.count(11, self.counts.events);
        let mut rows: Vec<Row> = lives.into_iter().flat_map(Lives::rows).collect();
        rows.sort_unstable_by_key(|row| row.first_index);
        let mut requests = Track::open(pack, REQUESTS_CSV, report);
        requests.header(rows::REQUESTS_HEADER, &mut self.found);
        for row in &rows {
            self.counts.add_request(row.status);
            self.found.extend(requests.row(row));
        }
        for track in [self.jsonl, self.csv, requests] {
            self.found.extend(track.finish(files, report));
        }
        self.found.into_iter().for_each(|finding| report.add(finding));
        if let Some(row) = rows.iter().find(|row| row.begun_before) {
            let what = "its request was selected and began before the range: the pack starts too late";
            report.broken(11, Place::Leaf { index: row.first_index, event: String::new() }, what);
        }
        if self.counts != query.counts {
            let what = format!("its counts are not those of the leaves: {:?}", self.counts);
            report.broken(11, Place::file(QUERY), what);
        }
    }
}

impl Track {
    fn open(pack: &Pack, path: &'static str, report: &mut Report) -> Self {
        let file = pack.files().place(path).map_err(io::Error::other).and_then(|path| Compare::open(&path));
        let file = file.map_err(|error| report.broken(11, Place::file(path), error.to_string())).ok();
        Self { path, file, off: false }
    }

    /// Compares what comes next with these pieces, once it goes with the leaves no more not again.
    fn expect(&mut self, pieces: &[&[u8]], place: impl FnOnce() -> Place) -> Option<Finding> {
        if self.off {
            return None;
        }
        let file = self.file.as_mut()?;
        let offset = file.offset();
        let what = match pieces.iter().try_fold(true, |same, piece| Ok(same & file.expect(piece)?)) {
            Ok(true) => return None,
            Ok(false) => {
                format!("the filter selects it, and {} hides or changes it, from byte {offset} on", self.path)
            }
            Err(error) => error_at(self.path, offset, &error),
        };
        self.off = true;
        Some(Finding::broken(11, place(), what))
    }

    fn header(&mut self, header: &str, found: &mut Vec<Finding>) {
        let place = Place::at(self.path, 0);
        if let Some(finding) = self.expect(&[header.as_bytes()], || place) {
            found.push(Finding { what: "its first line does not name the columns".into(), ..finding });
        }
    }

    fn row(&mut self, row: &Row) -> Option<Finding> {
        if self.off {
            return None;
        }
        let file = self.file.as_mut()?;
        let offset = file.offset();
        let what = match file.line() {
            Ok(line) if row.is(&line) => return None,
            Ok(_) => format!(
                "its request is touched, and {} hides or changes it, from byte {offset} on",
                self.path
            ),
            Err(error) => error_at(self.path, offset, &error),
        };
        self.off = true;
        Some(Finding::broken(11, Place::Leaf { index: row.first_index, event: String::new() }, what))
    }

    fn finish(self, files: &mut Files, report: &mut Report) -> Option<Finding> {
        let file = self.file?;
        let offset = file.offset();
        let what = match file.finish() {
            Ok((entry, more)) => {
                files.hashed(self.path, &entry, report);
                (more && !self.off).then(|| "it holds more than the filter gives, from here on".to_owned())?
            }
            Err(error) => error.to_string(),
        };
        Some(Finding::broken(11, Place::at(self.path, offset), what))
    }
}

fn error_at(path: &str, offset: u64, error: &io::Error) -> String {
    format!("{path} cannot be read from byte {offset} on: {error}")
}
