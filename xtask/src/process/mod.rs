//! The processes this program starts, and their certain end.
//!
//! Every child leads a process group of its own. [`Services`] are recorded in a file with pid and start
//! time, so that another `xtask` can end exactly them; [`Run`] is for commands that are waited for. Both
//! end when this program ends, by itself, by an error or by a signal, unless services are kept on purpose.

mod groups;
mod run;
mod services;
mod table;
#[cfg(test)]
mod tests;

pub use run::{Done, Run};
pub use services::{Services, all_alive, end_left_behind};

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};

use crate::repo::Place;

/// What a signal has to end.
#[derive(Default)]
struct Living {
    /// Set by a signal: nothing more may be started.
    stopping: bool,
    /// Groups of commands that are waited for.
    running: Vec<u32>,
    /// Places whose services belong to this program for now.
    places: Vec<Place>,
}

static LIVING: Mutex<Living> =
    Mutex::new(Living { stopping: false, running: Vec::new(), places: Vec::new() });

fn living() -> MutexGuard<'static, Living> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses to start anything once a signal has come. Hold the guard over the start.
fn may_start() -> Result<MutexGuard<'static, Living>> {
    let living = living();
    if living.stopping {
        bail!("interrupted");
    }
    Ok(living)
}

/// From here on Ctrl-C, SIGTERM and SIGHUP end all that was started, then this program.
pub fn end_all_on_signal() -> Result<()> {
    ctrlc::set_handler(|| {
        let (running, places) = {
            let mut living = living();
            if std::mem::replace(&mut living.stopping, true) {
                return;
            }
            (std::mem::take(&mut living.running), std::mem::take(&mut living.places))
        };
        eprintln!("\ninterrupted: ending what was started");
        groups::end(&running, Vec::new);
        for place in &places {
            let _ = services::end(place);
        }
        std::process::exit(130);
    })
    .context("cannot handle signals")
}

/// After a signal its handler ends this program; whoever else comes to an end before that waits here.
pub fn wait_if_interrupted() {
    while living().stopping {
        std::thread::park();
    }
}
