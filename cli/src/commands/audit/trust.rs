//! `audit trust`: which keys are kept, and how to compare them with somebody who knows.

use countersign_audit::policy::fingerprint;
use serde::Serialize;

use super::json;
use crate::args::audit::TrustAdd;
use crate::commands::Report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{Paint, Rows};
use crate::trust::{self, Kept};

#[derive(Serialize)]
struct Said {
    path: String,
    logs: Vec<Log>,
    witnesses: bool,
}

#[derive(Serialize)]
struct Log {
    name: String,
    vkey: String,
    fingerprint: String,
}

pub(super) fn add(args: &TrustAdd, paint: Paint) -> Result<Report, Failure> {
    let path = std::path::Path::new(&args.what);
    let kept = if path.exists() { Kept::read(path)? } else { Kept::parse(&args.what, "what was given")? };
    let place = trust::keep(&kept, args.replace)?;
    let said = said(place.display().to_string(), &kept);
    let mut text = shown(&said, paint);
    text.push_str(
        "Compare the fingerprint by another channel, such as a call, with who runs the log. Whoever gave you the key \
         and the pack alike could have made both.\n",
    );
    Ok(Report { json: json(&said)?, text, exit: Exit::Ok })
}

pub(super) fn list(paint: Paint) -> Result<Report, Failure> {
    let all: Vec<_> =
        trust::all()?.iter().map(|(path, kept)| said(path.display().to_string(), kept)).collect();
    let text = match all.is_empty() {
        true => "No log is trusted yet: countersign audit trust add\n".to_owned(),
        false => all.iter().map(|said| shown(said, paint)).collect(),
    };
    Ok(Report { json: json(&all)?, text, exit: Exit::Ok })
}

fn said(path: String, kept: &Kept) -> Said {
    let log = |key: &countersign_tlog::VerifierKey| Log {
        name: key.name().to_owned(),
        vkey: key.to_string(),
        fingerprint: fingerprint(key),
    };
    let logs = kept.policy.logs().iter().map(log).collect();
    Said { path, logs, witnesses: kept.policy.asks_for_witnesses() }
}

fn shown(said: &Said, paint: Paint) -> String {
    let mut text = String::new();
    for log in &said.logs {
        let mut rows = Rows::new(paint, 11);
        rows.add("key", &log.vkey);
        rows.add("fingerprint", &log.fingerprint);
        rows.add("witnesses", if said.witnesses { "asked for" } else { "not asked for" });
        rows.add("kept in", &said.path);
        text.push_str(&format!("{}\n{}", paint.strong(&crate::render::visible(&log.name)), rows.into_text()));
    }
    text
}
