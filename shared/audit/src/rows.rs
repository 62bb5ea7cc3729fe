//! The rows of `population.csv` and `requests.csv`: the export writes them, `verify` makes them again and compares.
//!
//! RFC 4180 with `\n` at the end of lines. A cell that a spreadsheet would take for a formula begins with `'`.

use std::borrow::Cow;

use countersign_tlog::Hash;
use data_encoding::HEXLOWER;
use serde::Deserialize;

use crate::leaf::LeafView;

/// The first line of `population.csv`.
pub const POPULATION_HEADER: &str =
    "index,id,time,type,request,agent,actor,decision,code,digest,controls,leaf_hash\n";

/// The first line of `requests.csv`. Rows come in the order of the requests' first leaves in the range.
pub const REQUESTS_HEADER: &str = "request,agent,rno,action,digest,outcome,approvers,created,decided,consumed,ended,\
                                   first_index,status,events,last_index,exceptions\n";

/// Adds a cell's text, quoted where it must be, and safe in a spreadsheet.
pub fn cell(out: &mut Vec<u8>, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !formula && !text.contains([',', '"', '\n', '\r']) {
        out.extend(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    out.extend(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Adds the row of a selected event, with its newline.
pub fn population(out: &mut Vec<u8>, index: u64, hash: &Hash, leaf: &LeafView<'_>) {
    // Data of which these few fields cannot be read leave their cells empty; the leaf itself is judged elsewhere.
    let data: Data<'_> = serde_json::from_str(leaf.data.get()).unwrap_or_default();
    let of = |prefix: &str| if leaf.subject.starts_with(prefix) { leaf.subject } else { "" };
    let text = |cell: &Option<Cow<'_, str>>| cell.as_deref().unwrap_or_default().to_owned();
    let agent = [of("agt_"), &text(&data.agent), &text(&data.by)]
        .into_iter()
        .find(|id| !id.is_empty())
        .map(str::to_owned);
    out.extend(index.to_string().as_bytes());
    let decision = data.ballot.as_ref().or(data.decision.as_ref()).or(data.outcome.as_ref());
    let cells = [
        leaf.id,
        &leaf.time.to_string(),
        leaf.kind,
        of("req_"),
        agent.as_deref().unwrap_or_default(),
        data.person.as_deref().unwrap_or_default(),
        decision.map(AsRef::as_ref).unwrap_or_default(),
        data.code.as_deref().unwrap_or_default(),
        data.digest.as_deref().unwrap_or_default(),
        &data.controls.join(" "),
        &HEXLOWER.encode(hash),
    ];
    for text in cells {
        out.push(b',');
        cell(out, text);
    }
    out.push(b'\n');
}

/// The fields of facts that have a column.
#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    agent: Option<Cow<'a, str>>,
    by: Option<Cow<'a, str>>,
    person: Option<Cow<'a, str>>,
    ballot: Option<Cow<'a, str>>,
    decision: Option<Cow<'a, str>>,
    outcome: Option<Cow<'a, str>>,
    code: Option<Cow<'a, str>>,
    digest: Option<Cow<'a, str>>,
    #[serde(default)]
    controls: Vec<Cow<'a, str>>,
}
