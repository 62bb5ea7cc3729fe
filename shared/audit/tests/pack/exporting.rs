//! What a pack holds, and what is refused on the way.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use countersign_audit::export::{ExportError, Made, SKEW, Wanted, export};
use countersign_audit::pack::{Manifest, Query};
use countersign_audit::policy::TrustPolicy;
use countersign_audit::select::Filter;
use countersign_audit::source::{Directory, LogSource as _};
use countersign_domain::RequestId;
use countersign_domain::leaf::Frame;
use countersign_tlog::{Note, Tile};

use crate::log::{Goes, Log, ORIGIN, at, ordinary, request};

/// A directory of the test's own, empty.
pub fn fresh(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pack").join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Everything in the first day, of every control.
pub fn first_day() -> Filter {
    Filter { from: at(0), to: at(24 * 60), control: None, requests: BTreeSet::new() }
}

pub fn exported(log: &Log, filter: Filter, pins: Vec<u64>, out: &Path) -> Result<Made, ExportError> {
    let policy: TrustPolicy = log.policy().parse().unwrap();
    let wanted = Wanted { filter, pins, recorded: true, tool: "countersign test".into() };
    futures::executor::block_on(export(&Directory::new(&log.dir), &policy, &wanted, out, |_| {}))
}

/// The pack's name and what it says of itself.
fn packed(log: &Log, name: &str, filter: Filter, pins: Vec<u64>) -> (PathBuf, Query) {
    let out = fresh(name).join("pack");
    let made = exported(log, filter, pins, &out).unwrap();
    let query = made.query.clone();
    made.publish(None, &log.policy().parse().unwrap()).unwrap();
    (out, query)
}

fn rows(pack: &Path, name: &str) -> Vec<String> {
    fs::read_to_string(pack.join(name)).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_pack_holds_the_range_the_population_and_a_list_of_both() {
    let log = ordinary(&fresh("holds-log"));
    let (pack, query) = packed(&log, "holds", first_day(), Vec::new());
    assert_eq!((query.start, query.origin.as_str()), (0, ORIGIN));
    let statuses: Vec<_> = query.counts.statuses.iter().map(|(status, n)| (status.as_str(), *n)).collect();
    assert_eq!(statuses, [("consumed", 1), ("rejected", 1), ("succeeded", 2)]);

    let population = fs::read(pack.join("population.jsonl")).unwrap();
    // All of the first day, exactly as they are in the log.
    let in_time = |leaf: &&[u8]| Frame::read(leaf).unwrap().time < at(24 * 60);
    let selected: Vec<&[u8]> = log.leaves.iter().map(Vec::as_slice).filter(in_time).collect();
    assert!(selected.len() < log.leaves.len() - 9);
    assert_eq!(population, [selected.join(&b'\n'), b"\n".to_vec()].concat());
    assert_eq!(rows(&pack, "population.csv").len(), 1 + selected.len());
    assert_eq!(query.counts.events, selected.len() as u64);

    let listed = Manifest::parse(&fs::read(pack.join("MANIFEST")).unwrap()).unwrap();
    assert_eq!(listed, Manifest::of(&pack).unwrap());
    let bytes = Directory::new(&pack).get("log/checkpoint").unwrap().unwrap();
    assert_eq!(bytes, fs::read(log.dir.join(format!("checkpoints/{:020}", query.end))).unwrap());
    assert!(fs::read_dir(pack.parent().unwrap()).unwrap().count() == 1, "nothing is left beside it");
}

fn is_of(leaf: &[u8], number: u64) -> bool {
    String::from_utf8_lossy(leaf).contains(request(number).as_str())
}

#[test]
fn the_range_shows_that_nothing_is_left_out_at_its_ends() {
    let log = ordinary(&fresh("ends-log"));
    let time = |index: u64| Frame::read(&log.leaves[index as usize]).unwrap().time;
    // From between the two events of a life on: all of that life is there, and something older.
    let filter = Filter { from: at(341), to: at(500), ..first_day() };
    let (pack, query) = packed(&log, "ends", filter.clone(), Vec::new());
    assert!(query.start > 0 && query.end < log.size());
    assert!(time(query.start) < filter.from - SKEW);
    assert!(time(query.end - 1) >= filter.to + SKEW);
    assert_eq!(rows(&pack, "requests.csv").len(), 2);
    let asked = log.leaves.iter().position(|leaf| is_of(leaf, 4)).unwrap() as u64;
    assert!(query.start <= asked);
    let before = log.dir.join(format!("checkpoints/{:020}", query.start));
    assert_eq!(
        fs::read(before).unwrap(),
        fs::read(pack.join(format!("log/checkpoints/{:020}", query.start))).unwrap()
    );
}

#[test]
fn only_one_request_or_control_is_the_population_and_the_range_is_whole() {
    let log = ordinary(&fresh("one-log"));
    let requests = BTreeSet::from([request(2)]);
    let (pack, query) = packed(&log, "one", Filter { requests, ..first_day() }, Vec::new());
    assert_eq!((query.counts.requests, query.counts.events), (1, 5));
    assert!(rows(&pack, "requests.csv")[1].starts_with(request(2).as_str()));
    let filter = Filter { control: Some("CC7.2".into()), ..first_day() };
    let (_, query) = packed(&log, "control", filter, Vec::new());
    let types: Vec<_> = query.counts.types.keys().map(String::as_str).collect();
    assert_eq!(types, ["log.genesis", "log.heartbeat"]);
    assert_eq!(query.counts.leaves, query.end - query.start);
}

#[test]
fn a_long_log_is_packed_with_the_tiles_that_its_edges_and_pins_need() {
    let mut log = Log::begin(&fresh("long-log"));
    for number in 0..160 {
        log.life(number, 60 + i64::try_from(number).unwrap(), &Goes::Well, "s3://a/");
    }
    log.heartbeat(400);
    assert!(log.size() > 1024);
    let filter = Filter { from: at(150), to: at(160), ..first_day() };
    let (pack, query) = packed(&log, "long", filter, vec![300]);
    assert!(query.start > 512 && query.end < log.size());
    let files = Directory::new(&pack);
    for tile in Tile::edge(query.start).chain(Tile::edge(query.end)).chain(Tile::of(0, 1, query.end)) {
        assert!(files.get(&format!("log/{}", tile.path())).unwrap().is_some(), "{}", tile.path());
    }
    // What it was read from has grown since: the bundle at its end is as it was then.
    let end = countersign_tlog::Bundle::of((query.end - 1) / 256, query.end).unwrap();
    let there = futures::executor::block_on(Directory::new(&log.dir).read(&end.path())).unwrap();
    assert_eq!(files.get(&format!("log/{}", end.path())).unwrap(), there);
}

#[test]
fn what_is_not_as_it_was_signed_is_refused_by_name() {
    fn check(name: &str, spoil: impl Fn(&Log), expect: &str) {
        let log = ordinary(&fresh(&format!("{name}-log")));
        spoil(&log);
        let out = fresh(name).join("pack");
        let all = Filter { to: at(60 * 24 * 60), ..first_day() };
        let error = exported(&log, all, Vec::new(), &out).unwrap_err().to_string();
        assert!(error.contains(expect), "{name}: {error}");
        assert!(!out.exists() && fs::read_dir(out.parent().unwrap()).unwrap().next().is_none());
    }
    fn flip(path: PathBuf, at: usize) {
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let last = |log: &Log| countersign_tlog::Bundle::of(0, log.size()).unwrap().path();
    check("entry", |log| flip(log.dir.join(last(log)), 300), "do not lead to the root");
    check("length", |log| flip(log.dir.join(last(log)), 0), "tile/entries/000.p/");
    check("tile", |log| flip(log.dir.join(Tile::of(0, 0, log.size()).unwrap().path()), 5), "tile/0/000.p/");
    check("checkpoint", |log| flip(log.dir.join("checkpoint"), 3), "checkpoint is not to be trusted");
    check("start", |log| fs::remove_file(log.dir.join(last(log))).unwrap(), "is missing");
    check(
        "foreign",
        |log| {
            let other = Log::with_key(&fresh("foreign-other"), 8);
            fs::copy(other.dir.join("checkpoint"), log.dir.join("checkpoint")).unwrap();
        },
        "checkpoint is not to be trusted",
    );
    check(
        "fork",
        |log| {
            let newest = Note::parse(&fs::read(log.dir.join("checkpoint")).unwrap()).unwrap();
            let newest: countersign_tlog::Checkpoint = newest.text().parse().unwrap();
            let fork = countersign_tlog::Checkpoint::new(ORIGIN, newest.size(), [9; 32]).unwrap();
            fs::write(log.dir.join("checkpoint"), log.signed(&fork)).unwrap();
        },
        "do not lead to the root",
    );
}

#[test]
fn an_existing_directory_with_files_is_left_alone() {
    let log = ordinary(&fresh("there-log"));
    let out = fresh("there");
    fs::write(out.join("mine.txt"), "mine").unwrap();
    let error = exported(&log, first_day(), Vec::new(), &out).unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}

#[test]
fn nothing_of_an_agent_is_a_formula_or_markup() {
    let log = ordinary(&fresh("hostile-log"));
    let (pack, _) = packed(&log, "hostile", first_day(), Vec::new());
    let page = fs::read_to_string(pack.join("README.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img"));
    for table in ["population.csv", "requests.csv"] {
        for row in rows(&pack, table) {
            let formula = |cell: &str| cell.trim_start_matches('"').starts_with(['=', '+', '-', '@']);
            assert!(!row.split(',').any(formula), "{row}");
        }
    }
}

#[test]
fn the_readme_lists_what_to_look_at() {
    let log = ordinary(&fresh("readme-log"));
    let (pack, _) = packed(&log, "readme", first_day(), Vec::new());
    let page = fs::read_to_string(pack.join("README.html")).unwrap();
    let id: RequestId = request(3);
    assert!(
        page.contains(&format!("<code>{id}</code></td><td>was given out to run, and no outcome is reported"))
    );
    assert!(page.contains("1 decisions refused"));
    assert!(!page.contains("This export was not recorded"));
}
