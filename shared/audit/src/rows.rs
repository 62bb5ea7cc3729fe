//! The rows of `population.csv` and `requests.csv`: the export writes them, `verify` makes them again and compares.
//!
//! RFC 4180 with `\n` at the end of lines. A cell that a spreadsheet would take for a formula begins with `'`.

use std::borrow::Cow;
use std::io::Write as _;

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
    let bytes = text.as_bytes();
    let formula = matches!(bytes, [b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r', ..]);
    if !formula && !bytes.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        out.extend(bytes);
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
    let of = |prefix: &str| if leaf.subject.starts_with(prefix) { Some(leaf.subject) } else { None };
    let agent = of("agt_").or(data.agent.as_deref()).or(data.by.as_deref());
    let decision = data.ballot.as_deref().or(data.decision.as_deref()).or(data.outcome.as_deref());
    // Writing into memory does not fail.
    drop(write!(out, "{index}"));
    let cells = [
        Some(leaf.id),
        Some(leaf.time_text),
        Some(leaf.kind),
        of("req_"),
        agent,
        data.person.as_deref(),
        decision,
        data.code.as_deref(),
        data.digest.as_deref(),
    ];
    for text in cells {
        out.push(b',');
        cell(out, text.unwrap_or_default());
    }
    for (n, control) in data.controls.iter().enumerate() {
        out.push(if n == 0 { b',' } else { b' ' });
        cell(out, control);
    }
    out.extend(if data.controls.is_empty() { ",," } else { "," }.bytes());
    let mut hex = [0; 64];
    HEXLOWER.encode_mut(hash, &mut hex);
    out.extend(hex);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_no_formula() {
        fn check(text: &str, written: &str) {
            let mut out = Vec::new();
            cell(&mut out, text);
            assert_eq!(String::from_utf8(out), Ok(written.to_owned()));
        }
        check("s3.sync", "s3.sync");
        check("", "");
        check("a,b", "\"a,b\"");
        check("say \"no\"\n", "\"say \"\"no\"\"\n\"");
        for formula in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            check(formula, &format!("\"'{formula}\""));
        }
    }
}
