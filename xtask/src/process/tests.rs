//! Real processes, started and ended.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::services::{self, Services};
use super::{end_all_on_signal, table};
use crate::repo::Place;

const LIMIT: Duration = Duration::from_secs(20);
/// Names the place for the child of the signal test.
const CHILD: &str = "XTASK_TEST_PLACE";

/// A place of one test; its folder is removed at the end.
struct TestPlace(Place);

impl std::ops::Deref for TestPlace {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl Drop for TestPlace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.dir());
    }
}

fn place(name: &str) -> TestPlace {
    let folder = format!("xtask-{}-{name}", std::process::id());
    TestPlace(Place::at(std::env::temp_dir().join(folder)))
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn until(what: &str, look: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !look() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::yield_now();
    }
}

/// Pids that a script has written, one for each line.
fn pids(file: &PathBuf, count: usize) -> Vec<u32> {
    let read = || -> Vec<u32> {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    until("the pids of the script's children", || read().len() == count);
    read()
}

fn lives(pid: u32) -> bool {
    table::entry(pid).is_some()
}

#[test]
fn what_a_service_has_started_ends_with_it_wherever_it_went() {
    let place = place("descendants");
    let services = Services::take(&place).unwrap();
    let file = place.dir().join("pids");
    // One in the group, one in a session of its own, one whose parent is gone too.
    let script = format!(
        "sleep 300 & echo $! >> {0}; setsid sleep 300 & echo $! >> {0}; \
         (setsid sh -c 'echo $$ >> {0}; exec sleep 300' &) ; wait",
        file.display()
    );
    services.start("tree", shell(&script)).unwrap();
    let started = pids(&file, 3);
    assert!(started.iter().all(|pid| lives(*pid)));
    drop(services);
    assert!(started.iter().all(|pid| !lives(*pid)));
    assert!(!place.pids_json().exists());
}

#[test]
fn one_that_does_not_listen_is_forced() {
    let place = place("stubborn");
    let services = Services::take(&place).unwrap();
    let file = place.dir().join("pids");
    let script = format!("trap '' TERM; echo $$ > {}; while :; do sleep 1; done", file.display());
    services.start("stubborn", shell(&script)).unwrap();
    let started = pids(&file, 1);
    drop(services);
    assert!(!lives(started[0]));
}

#[test]
fn a_pid_that_was_given_to_another_is_not_touched() {
    let place = place("reused");
    place.make().unwrap();
    let mut other: Child = Command::new("sleep").arg("300").spawn().unwrap();
    let record = serde_json::json!({
        "owner": null,
        "services": [{ "name": "engine", "pid": other.id(), "started": "long ago" }],
    });
    std::fs::write(place.pids_json(), record.to_string()).unwrap();
    assert!(!services::all_alive(&place));
    assert!(services::end(&place).is_empty());
    assert!(lives(other.id()));
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn kept_services_go_on_until_another_ends_exactly_them() {
    let place = place("kept");
    let services = Services::take(&place).unwrap();
    services.start("kept", shell("exec sleep 300")).unwrap();
    services.keep().unwrap();
    let (alive, owner) = services::alive(&place);
    assert!(services::all_alive(&place) && owner.is_none());
    assert_eq!(services::end(&place), ["kept"]);
    assert!(!lives(alive[0].pid));
}

#[test]
fn a_place_in_use_is_not_taken() {
    let place = place("in-use");
    let _services = Services::take(&place).unwrap();
    let error = Services::take(&place).err().unwrap().to_string();
    assert!(error.contains("is running (pid"), "{error}");
}

#[test]
fn a_service_that_ends_too_early_is_told_with_its_log() {
    let place = place("early");
    let services = Services::take(&place).unwrap();
    services.start("bad", shell("echo 'port taken'; exit 3")).unwrap();
    let error = services.ready_line("bad", LIMIT).unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && error.contains("port taken"), "{error}");
}

#[test]
fn a_ready_line_is_found_among_others() {
    let place = place("ready");
    let services = Services::take(&place).unwrap();
    services.start("good", shell("echo hello; echo '{\"url\":\"u\"}'; exec sleep 300")).unwrap();
    assert_eq!(services.ready_line("good", LIMIT).unwrap()["url"], "u");
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_its_group() {
    let place = place("limit");
    let file = place.dir().join("pids");
    std::fs::create_dir_all(place.dir().join("log")).unwrap();
    let script = format!("echo waiting; sleep 300 & echo $$ $! > {}; wait", file.display());
    let board = crate::ui::Board::new();
    let run = |script: &str, limit| {
        board.phase("waits", |line| super::Run::new(&place, "slow", shell(script)).within(limit).good(line))
    };
    assert_eq!(run("echo done", LIMIT).unwrap(), "done\n");
    let error = run(&script, Duration::from_secs(1)).unwrap_err().to_string();
    assert!(error.contains("slow took longer than 1 s") && error.contains("waiting"), "{error}");
    until("the end of both", || pids(&file, 2).iter().all(|pid| !lives(*pid)));
}

/// Not a test by itself: what the next one runs as a program of its own.
#[test]
fn child_of_the_signal_test() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    end_all_on_signal().unwrap();
    let place = Place::at(PathBuf::from(dir));
    let services = Services::take(&place).unwrap();
    services.start("long", shell("exec sleep 300")).unwrap();
    eprintln!("ready");
    let board = crate::ui::Board::new();
    let _ =
        board.phase("waits", |line| super::Run::new(&place, "command", shell("exec sleep 301")).good(line));
    std::thread::sleep(LIMIT); // the signal's handler ends this program
}

#[test]
fn a_signal_ends_services_and_commands() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let place = place(signal.as_str());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::tests::child_of_the_signal_test", "--nocapture"])
            .env(CHILD, place.dir())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"));
        let below = || table::descendants(&[child.id()], &table::entries());
        until("both children", || below().len() == 2);
        let started = below();
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert!(started.iter().all(|entry| !lives(entry.pid)), "{signal}");
        assert!(!place.pids_json().exists());
    }
}
