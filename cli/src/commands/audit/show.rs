//! `audit show`: the life of a request, each event with its place under the signed root.

use std::collections::BTreeSet;

use countersign_audit::story::{Story, deed};
use countersign_domain::RequestId;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{json, prove};
use crate::args::audit::Show;
use crate::commands::Report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{Paint, Rows, short, visible};

#[derive(Serialize)]
struct Said<'a> {
    id: &'a str,
    status: Option<&'static str>,
    exceptions: Vec<String>,
    origin: &'a str,
    size: u64,
    events: Vec<Event>,
}

#[derive(Serialize)]
struct Event {
    index: u64,
    leaf_hash: String,
    leaf: Box<RawValue>,
}

pub(super) fn run(args: &Show, paint: Paint) -> Result<Report, Failure> {
    let (shelf, _) = prove::shelf(&args.entries.dir, &args.entries.trusting)?;
    let id: RequestId = args.id.as_str().parse().map_err(|e| Failure::Usage(format!("{e}")))?;
    // When this comes back, all of them are under the signed root.
    let stories = shelf.stories(&BTreeSet::from([id])).map_err(prove::failure)?;
    let Some(story) = stories.first() else { return Err(Failure::Usage("no such request".into())) };
    let checkpoint = &shelf.trusted.checkpoint;
    let mut events = Vec::new();
    for entry in &story.entries {
        let text = String::from_utf8(entry.bytes.clone()).map_err(|e| Failure::Broken(e.to_string()))?;
        let leaf = RawValue::from_string(text).map_err(|e| Failure::Broken(e.to_string()))?;
        events.push(Event { index: entry.index, leaf_hash: entry.hash.into(), leaf });
    }
    let said = Said {
        id: story.id.as_str(),
        status: story.fold.request.as_ref().map(|request| request.status.as_str()),
        exceptions: story.fold.exceptions(),
        origin: checkpoint.origin(),
        size: checkpoint.size(),
        events,
    };
    let under =
        format!("{} entries of {}, all under its signed root", checkpoint.size(), checkpoint.origin());
    Ok(Report { json: json(&said)?, text: text(story, &under, paint), exit: Exit::Ok })
}

fn text(story: &Story, under: &str, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.strong(story.id.as_str()));
    let mut rows = Rows::new(paint, 10);
    if let Some(request) = &story.fold.request {
        rows.own("status", &paint.status(request.status.as_str()));
        rows.add("agent", &format!("{} {}", request.agent_name, request.agent));
        rows.add("action", &request.action);
        rows.add("digest", request.digest.as_str());
        rows.maybe("policy", request.policy_digest.as_deref());
    }
    for (name, value) in &story.fold.recorded {
        rows.add("in clear", &format!("{name} = {}", countersign_audit::story::plain(value)));
    }
    for exception in story.fold.exceptions() {
        rows.own("to look at", &paint.bad(&visible(&exception)));
    }
    rows.add("log", under);
    text.push_str(&rows.into_text());
    for (entry, event) in story.facts() {
        let deed = deed(&event.fact);
        let parts = [deed.actor, deed.decision, deed.authenticated];
        let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let line = format!(
            "{:>9}  {}  {}  {}",
            entry.index,
            short(&event.time.to_string()),
            paint.strong(&format!("{:<19}", event.fact.kind())),
            paint.label(&visible(&said.join(" · "))),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
