//! `audit verify`: twelve checks of a pack, and an exit code for each way it can end.

use countersign_audit::pack::QUERY;
use countersign_audit::report::Severity;
use countersign_audit::{Pack, Pin, Report as Found, verify};
use serde::Serialize;

use super::json;
use crate::args::audit::Verify;
use crate::commands::Report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::{Paint, visible};
use crate::trust;

#[derive(Serialize)]
struct Said<'a> {
    verdict: &'static str,
    checks: Vec<Check<'a>>,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Check<'a> {
    number: usize,
    title: &'a str,
    counted: u64,
    unit: &'a str,
    broken: u64,
    exceptions: u64,
    done: bool,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Finding {
    check: usize,
    severity: &'static str,
    place: String,
    what: String,
}

pub(super) fn run(args: &Verify, paint: Paint, progress: Progress) -> Result<Report, Failure> {
    let pack = Pack::open(&args.pack);
    if !args.pack.is_dir() {
        return Err(Failure::Unchecked(format!("{} is no directory", args.pack.display())));
    }
    let policy = trust::policy(args.trusting.policy.as_deref(), origin(&pack).as_deref())?;
    let pin = args.pin.as_ref().map(|path| {
        let wrong = |why: String| Failure::Usage(format!("--pin {}: {why}", path.display()));
        let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
        Pin::parse(&bytes).map_err(|e| wrong(e.to_string()))
    });
    let pin = pin.transpose()?;
    let mut told = 0;
    let found = verify(&pack, &policy, pin.as_ref(), |now| {
        let tenths = (now.done * 10).checked_div(now.all).unwrap_or(10);
        if tenths > told {
            told = tenths;
            progress.tell(&format!("{} of {} entries", now.done, now.all));
        }
    });
    let exit = exit(&found);
    Ok(Report { json: said(&found, exit)?, text: text(&found, exit, paint), exit })
}

/// The log that the pack says it is of: it only chooses among what is trusted.
fn origin(pack: &Pack) -> Option<String> {
    let bytes = pack.files().get(QUERY).ok()??;
    let query: countersign_audit::pack::Query = serde_json::from_slice(&bytes).ok()?;
    Some(query.origin.to_string())
}

fn exit(found: &Found) -> Exit {
    match (found.is_broken(), found.has_exceptions()) {
        (true, _) => Exit::Broken,
        (false, true) => Exit::Exceptions,
        (false, false) => Exit::Ok,
    }
}

fn verdict(exit: Exit) -> &'static str {
    match exit {
        Exit::Ok => "holds",
        Exit::Exceptions => "holds, with exceptions",
        _ => "broken",
    }
}

fn text(found: &Found, exit: Exit, paint: Paint) -> String {
    let mut text = String::new();
    for check in &found.checks {
        text.push_str(&format!("{}\n", visible(&check.to_string())));
        for note in &check.notes {
            text.push_str(&format!("    {}\n", paint.label(&visible(note))));
        }
    }
    for finding in &found.findings {
        let line = visible(&finding.to_string());
        let line = if finding.severity == Severity::Broken { paint.bad(&line) } else { line };
        text.push_str(&format!("{line}\n"));
    }
    let end = format!("The pack: {}", verdict(exit));
    text.push_str(&format!("{}\n", if exit == Exit::Broken { paint.bad(&end) } else { paint.strong(&end) }));
    text
}

fn said(found: &Found, exit: Exit) -> Result<String, Failure> {
    let checks = found.checks.iter().map(|check| Check {
        number: check.number,
        title: check.title,
        counted: check.counted,
        unit: check.unit,
        broken: check.broken,
        exceptions: check.exceptions,
        done: check.done,
        notes: &check.notes,
    });
    let findings = found.findings.iter().map(|finding| Finding {
        check: finding.check,
        severity: if finding.severity == Severity::Broken { "broken" } else { "exception" },
        place: finding.place.to_string(),
        what: finding.what.clone(),
    });
    let (checks, findings) = (checks.collect(), findings.collect());
    json(&Said { verdict: verdict(exit), checks, findings })
}
