//! The system's table of processes: who lives, since when, who is whose child. Reads `/proc` where
//! there is one, else asks `ps`.

use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::repo::Place;

/// Variable in the environment of everything that is started; its value is the place's folder.
pub(super) const MARK: &str = "COUNTERSIGN_PLACE";

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub pid: u32,
    pub parent: u32,
    pub group: u32,
    /// When it started, as the system says it. Two processes with one pid differ here.
    pub started: String,
}

impl Entry {
    /// Whether these hold this very process. Its parent and group may have changed since.
    pub fn is_among(&self, others: &[Entry]) -> bool {
        others.iter().any(|other| other.pid == self.pid && other.started == self.started)
    }
}

/// All processes that live. One that has ended and only waits to be collected does not.
pub(super) fn entries() -> Vec<Entry> {
    match std::fs::read_dir("/proc") {
        Ok(folder) if std::path::Path::new("/proc/self/stat").exists() => {
            let boot = boot();
            let pids = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            pids.filter_map(|pid: u32| from_proc(pid, &boot)).collect()
        }
        _ => from_ps(),
    }
}

/// The entry of one process, if it lives.
pub(super) fn entry(pid: u32) -> Option<Entry> {
    if std::path::Path::new("/proc/self/stat").exists() {
        return from_proc(pid, &boot());
    }
    entries().into_iter().find(|entry| entry.pid == pid)
}

/// Processes that a place has started, wherever they are now: marked in their environment, or running a
/// program that lies in its engine's folder (the functions' binaries, whose environment the engine makes).
/// Only `/proc` tells; elsewhere there are none.
pub(super) fn marked(place: &Place) -> Vec<Entry> {
    let mark = [MARK.as_bytes(), b"=", place.dir().as_os_str().as_bytes()].concat();
    let programs = place.engine();
    let is_ours = |entry: &Entry| {
        let of = |name: &str| format!("/proc/{}/{name}", entry.pid);
        let environment = std::fs::read(of("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
            || std::fs::read_link(of("exe")).is_ok_and(|program| program.starts_with(&programs))
    };
    let others = entries().into_iter().filter(|entry| entry.pid != std::process::id());
    others.filter(is_ours).collect()
}

/// Everything below these processes.
pub(super) fn descendants(of: &[u32], table: &[Entry]) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut queue = of.to_vec();
    while let Some(parent) = queue.pop() {
        for child in table.iter().filter(|entry| entry.parent == parent) {
            if !child.is_among(&found) {
                found.push(child.clone());
                queue.push(child.pid);
            }
        }
    }
    found
}

fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn from_proc(pid: u32, boot: &str) -> Option<Entry> {
    parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, boot)
}

/// `pid (name) state parent group … start-ticks …`; the name may hold anything, so what follows is counted
/// from its last bracket.
fn parse_stat(stat: &str, boot: &str) -> Option<Entry> {
    let (front, back) = stat.rsplit_once(')')?;
    let pid = front.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = back.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    Some(Entry {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: format!("{boot}:{}", fields.get(19)?),
    })
}

fn from_ps() -> Vec<Entry> {
    let output = Command::new("ps").args(["-axo", "pid=,ppid=,pgid=,stat=,lstart="]).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().filter_map(parse_ps).collect()
}

fn parse_ps(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.get(3)?.starts_with('Z') {
        return None;
    }
    Some(Entry {
        pid: fields.first()?.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(4..)?.join(" "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = "42 (a) b (c) S 7 9 9 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 8888 0 0";
        let expect = Entry { pid: 42, parent: 7, group: 9, started: "boot:8888".to_owned() };
        assert_eq!(parse_stat(stat, "boot"), Some(expect));
        assert_eq!(parse_stat(&stat.replace(" S 7", " Z 7"), "boot"), None);
    }

    #[test]
    fn a_line_of_ps_is_read() {
        let line = "  42     7     9 Ss   Mon Jan  5 10:00:00 2026";
        let expect = Entry { pid: 42, parent: 7, group: 9, started: "Mon Jan 5 10:00:00 2026".to_owned() };
        assert_eq!(parse_ps(line), Some(expect));
        assert_eq!(parse_ps(&line.replace("Ss", "Z+")), None);
    }

    #[test]
    fn descendants_are_found_through_generations() {
        let table: Vec<Entry> = [(2, 1), (3, 2), (4, 3), (5, 1)]
            .map(|(pid, parent)| Entry { pid, parent, group: pid, started: String::new() })
            .into();
        let pids: Vec<u32> = descendants(&[2], &table).iter().map(|e| e.pid).collect();
        assert_eq!(pids, [3, 4]);
    }

    #[test]
    fn this_very_process_is_in_the_table() {
        let pid = std::process::id();
        assert_eq!(entry(pid).map(|e| e.pid), Some(pid));
        assert!(entries().contains(&entry(pid).unwrap()));
    }
}
