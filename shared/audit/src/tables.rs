//! The pack's tables, made of nothing but the leaves of its range and the filter, by what `verify` makes them with again.

use std::collections::BTreeMap;
use std::io::{self, Write};

use countersign_domain::leaf::LeafHash;

use crate::leaf::LeafView;
use crate::life::{Lives, Row, start_of};
use crate::pack::Counts;
use crate::record::Record;
use crate::rows;
use crate::select::Filter;

/// Tables on the way.
#[derive(Debug)]
pub struct Tables<'f, W: Write> {
    filter: &'f Filter,
    /// `population.jsonl`, `population.csv`, `requests.csv`.
    files: [W; 3],
    /// Where the range begins.
    start: u64,
    lives: Option<Lives>,
    counts: Counts,
    row: Vec<u8>,
}

/// What the tables hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tabled {
    /// How much of what.
    pub counts: Counts,
    /// Requests that a reader should look at, by id, and why.
    pub exceptions: BTreeMap<String, Vec<String>>,
}

impl<'f, W: Write> Tables<'f, W> {
    /// Tables of what the filter takes of the range from `start` on.
    pub fn new(filter: &'f Filter, start: u64, mut files: [W; 3]) -> io::Result<Self> {
        let [_, population, requests] = &mut files;
        population.write_all(rows::POPULATION_HEADER.as_bytes())?;
        requests.write_all(rows::REQUESTS_HEADER.as_bytes())?;
        Ok(Self { filter, files, start, lives: None, counts: Counts::default(), row: Vec::new() })
    }

    /// Takes in the next leaf of the range. What is no leaf belongs to no population.
    pub fn push(&mut self, index: u64, bytes: &[u8]) -> io::Result<()> {
        self.counts.leaves += 1;
        let Ok(leaf) = LeafView::read(bytes) else { return Ok(()) };
        let LeafHash(hash) = LeafHash::of(bytes);
        let selected = self.filter.admits(&leaf);
        let Ok(record) = Record::of(index, hash, selected, &leaf) else { return Ok(()) };
        let lives = self.lives.get_or_insert_with(|| Lives::for_export(start_of(self.start, &record)));
        lives.take(&record, |_| true);
        // Findings and executions are for who verifies.
        lives.found.clear();
        lives.ran.clear();
        if !selected {
            return Ok(());
        }
        self.counts.add_event(leaf.kind);
        let [jsonl, population, _] = &mut self.files;
        jsonl.write_all(bytes)?;
        jsonl.write_all(b"\n")?;
        self.row.clear();
        rows::population(&mut self.row, index, &hash, &leaf);
        population.write_all(&self.row)
    }

    /// Writes what can be said only at the end of the range.
    pub fn finish(mut self) -> io::Result<Tabled> {
        let mut rows: Vec<Row> = self.lives.into_iter().flat_map(Lives::rows).collect();
        rows.sort_unstable_by_key(|row| row.first_index);
        let [_, _, requests] = &mut self.files;
        let mut exceptions = BTreeMap::new();
        for row in rows {
            self.counts.add_request(row.status);
            let text = row.text().unwrap_or_default();
            requests.write_all(text.as_bytes())?;
            if let Some((id, why)) = look_at(&text, row.status) {
                exceptions.insert(id, why);
            }
        }
        self.files.iter_mut().try_for_each(Write::flush)?;
        Ok(Tabled { counts: self.counts, exceptions })
    }
}

/// Why a reader should look at the request of this row, if at all. Its first and last cells are plain.
fn look_at(row: &str, status: &str) -> Option<(String, Vec<String>)> {
    let (id, _) = row.split_once(',')?;
    let (_, said) = row.trim_end().rsplit_once(',')?;
    let of_status = match status {
        "consumed" => "was given out to run, and no outcome is reported",
        "unknown" => "nobody knows whether it ran",
        "undeliverable" => "no reviewer was ever reached",
        "unjudged" => "its life cannot be judged from what is here",
        _ => "",
    };
    let all = [of_status].into_iter().chain(said.split("; ")).filter(|why| !why.is_empty());
    let all: Vec<String> = all.map(str::to_owned).collect();
    (!all.is_empty()).then(|| (id.to_owned(), all))
}
