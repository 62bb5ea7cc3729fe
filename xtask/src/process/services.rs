//! Services: processes that go on in the background, recorded with pid and start time.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{groups, living, may_start, table};
use crate::repo::{Place, shown};

/// One line of `pids.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recorded {
    /// The service's name; also that of its log.
    pub name: String,
    /// Its pid, and the id of its process group.
    pub pid: u32,
    started: String,
}

impl Recorded {
    /// Whether exactly this process lives; another one with its pid does not count.
    pub fn lives(&self) -> bool {
        table::entry(self.pid).is_some_and(|entry| entry.started == self.started)
    }
}

/// What `pids.json` holds.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Record {
    /// The xtask that ends these when it ends; absent once they are kept.
    owner: Option<Recorded>,
    services: Vec<Recorded>,
}

fn read(place: &Place) -> Record {
    let text = std::fs::read(place.pids_json()).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn write(place: &Place, file: &Record) -> Result<()> {
    let path = place.pids_json();
    let draft = path.with_extension("json.new");
    std::fs::write(&draft, serde_json::to_vec_pretty(file)?)?;
    std::fs::rename(&draft, &path).with_context(|| format!("cannot write {}", path.display()))
}

/// The services of a place that live, and the one that owns them if that lives too.
pub fn alive(place: &Place) -> (Vec<Recorded>, Option<Recorded>) {
    let file = read(place);
    let services = file.services.into_iter().filter(Recorded::lives).collect();
    (services, file.owner.filter(Recorded::lives))
}

/// Whether every recorded service of a place lives, and there is one.
pub fn all_alive(place: &Place) -> bool {
    let file = read(place);
    !file.services.is_empty() && file.services.iter().all(Recorded::lives)
}

/// Ends a place's recorded services, exactly those, and removes what only they need. Returns their names.
pub(super) fn end(place: &Place) -> Vec<String> {
    let (services, _) = alive(place);
    let leaders: Vec<u32> = services.iter().map(|service| service.pid).collect();
    groups::end(&leaders, || table::marked(place));
    place.sweep();
    services.into_iter().map(|service| service.name).collect()
}

/// The services of one place while this program owns them. Dropped = ended, unless kept.
pub struct Services {
    place: Place,
    children: Mutex<Vec<(String, Child)>>,
    kept: bool,
}

impl Services {
    /// Takes a place over: what an earlier run has left behind there is ended first.
    /// Fails when another xtask is using it right now.
    pub fn take(place: &Place) -> Result<Self> {
        place.make()?;
        if let (_, Some(owner)) = alive(place) {
            bail!("another `cargo xtask {}` is running (pid {})", place.name, owner.pid);
        }
        end(place);
        let mut living = may_start()?;
        let pid = std::process::id();
        let started = table::entry(pid).context("cannot find this process in the system's table")?.started;
        let owner = Recorded { name: "xtask".to_owned(), pid, started };
        write(place, &Record { owner: Some(owner), services: Vec::new() })?;
        living.places.push(place.clone());
        Ok(Self { place: place.clone(), children: Mutex::default(), kept: false })
    }

    /// The place these services run in.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Starts a service; its output goes to its log.
    pub fn start(&self, name: &str, mut command: Command) -> Result<()> {
        let log = self.place.log(name);
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).process_group(0);
        command.env(table::MARK, self.place.dir());

        let _living = may_start()?;
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let pid = child.id();
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), child));
        // One that has ended already has no start time; `ready` says why.
        if let Some(entry) = table::entry(pid) {
            let mut file = read(&self.place);
            file.services.push(Recorded { name: name.to_owned(), pid, started: entry.started });
            write(&self.place, &file)?;
        }
        Ok(())
    }

    /// Waits until the service's log holds a line that is a JSON object, and returns that.
    pub fn ready_line(&self, name: &str, patience: Duration) -> Result<Value> {
        let log = self.place.log(name);
        self.wait(name, patience, || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let whole = text.lines().filter(|line| line.starts_with('{') && line.ends_with('}'));
            whole.filter_map(|line| serde_json::from_str(line).ok()).next()
        })
    }

    /// Waits until `look` finds something; fails when the service ends or patience does.
    pub fn wait<T>(&self, name: &str, patience: Duration, look: impl Fn() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            if let Some(status) = self.ended(name)? {
                bail!("{name} ended ({status}). {}", self.log_tail(name));
            }
            if Instant::now() > deadline {
                bail!("{name} is not ready after {} s. {}", patience.as_secs(), self.log_tail(name));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ended(&self, name: &str) -> Result<Option<std::process::ExitStatus>> {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        match children.iter_mut().find(|(n, _)| n == name) {
            Some((_, child)) => Ok(child.try_wait()?),
            None => bail!("{name} was not started"),
        }
    }

    fn log_tail(&self, name: &str) -> String {
        let log = self.place.log(name);
        format!("{} ends with:\n{}", shown(&log), super::run::tail(&log, 20))
    }

    /// Lets the services live on when this program ends.
    pub fn keep(mut self) -> Result<()> {
        let mut file = read(&self.place);
        file.owner = None;
        write(&self.place, &file)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        living().places.retain(|place| place.pids_json() != self.place.pids_json());
        if !self.kept {
            end(&self.place);
        }
        for (_, child) in self.children.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let _ = child.try_wait();
        }
    }
}

/// Ends the services of every place that no living xtask owns. Returns `place/name` of each.
pub fn end_left_behind() -> Vec<String> {
    let mut ended = Vec::new();
    for place in Place::all() {
        if let (_, Some(owner)) = alive(&place) {
            println!("`cargo xtask {}` is running (pid {}) and ends its own", place.name, owner.pid);
            continue;
        }
        ended.extend(end(&place).into_iter().map(|name| format!("{}/{name}", place.name)));
    }
    ended
}
