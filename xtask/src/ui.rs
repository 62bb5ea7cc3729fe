//! What the person at the terminal sees: one line for each phase, with its time, and what is going on now.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// On a terminal the last line is rewritten this often.
const TICK: Duration = Duration::from_millis(250);
/// Elsewhere a phase that goes on says so this often.
const SAY: Duration = Duration::from_secs(20);

struct Active {
    id: u64,
    name: String,
    since: Instant,
    said: Instant,
    log: Option<PathBuf>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    active: Vec<Active>,
    closed: bool,
    drawn: bool,
}

/// Shows phases, also several at once.
pub struct Board {
    state: Arc<Mutex<State>>,
    ticker: Option<std::thread::JoinHandle<()>>,
}

/// A phase that is going on.
pub struct Line<'a> {
    board: &'a Board,
    id: u64,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// A board with nothing on it.
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let terminal = std::io::stdout().is_terminal();
        let ticker = std::thread::spawn(move || {
            loop {
                std::thread::park_timeout(TICK);
                let mut state = lock(&shared);
                if state.closed {
                    return;
                }
                if terminal { draw(&mut state) } else { say(&mut state) }
            }
        });
        Self { state, ticker: Some(ticker) }
    }

    /// Runs one phase: shows it while it runs, then whether it went well and how long it took.
    pub fn phase<T>(&self, name: &str, work: impl FnOnce(&Line<'_>) -> Result<T>) -> Result<T> {
        let since = Instant::now();
        let id = {
            let mut state = lock(&self.state);
            state.last_id += 1;
            let id = state.last_id;
            state.active.push(Active { id, name: name.to_owned(), since, said: since, log: None });
            id
        };
        let result = work(&Line { board: self, id });
        lock(&self.state).active.retain(|phase| phase.id != id);
        let mark = if result.is_ok() { "ok    " } else { "FAILED" };
        self.print(&format!("{mark} {name:<28} {:>8}", seconds(since.elapsed())));
        result
    }

    /// Prints a line above what is going on.
    pub fn print(&self, text: &str) {
        let mut state = lock(&self.state);
        erase(&mut state);
        println!("{text}");
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.closed = true;
        erase(&mut state);
        drop(state);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}

impl Line<'_> {
    /// Shows the last line of this log beside the phase.
    pub fn follow(&self, log: &Path) {
        let mut state = lock(&self.board.state);
        if let Some(phase) = state.active.iter_mut().find(|phase| phase.id == self.id) {
            phase.log = Some(log.to_path_buf());
        }
    }

    /// The board, for phases within this one.
    pub fn board(&self) -> &Board {
        self.board
    }
}

fn erase(state: &mut State) {
    if std::mem::take(&mut state.drawn) {
        print!("\r\x1b[2K");
        let _ = std::io::stdout().flush();
    }
}

fn draw(state: &mut State) {
    erase(state);
    if state.active.is_empty() {
        return;
    }
    let names: Vec<String> = state
        .active
        .iter()
        .map(|phase| format!("{} {}", phase.name, seconds(phase.since.elapsed())))
        .collect();
    let news = state.active.iter().find_map(|phase| last_line(phase.log.as_deref()?));
    let text = format!("...    {}  {}", names.join(" · "), news.unwrap_or_default());
    let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(100_usize);
    print!("{}", text.chars().take(width.saturating_sub(1)).collect::<String>());
    let _ = std::io::stdout().flush();
    state.drawn = true;
}

fn say(state: &mut State) {
    for phase in &mut state.active {
        if phase.said.elapsed() >= SAY {
            phase.said = Instant::now();
            let news = phase.log.as_deref().and_then(last_line).unwrap_or_default();
            println!("...    {:<28} {:>8}  {news}", phase.name, seconds(phase.since.elapsed()));
        }
    }
}

fn last_line(log: &Path) -> Option<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(2048))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().filter(|c| !c.is_control()).take(120).collect())
}

/// `3.2 s`, `1 min 20 s`.
pub fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}
