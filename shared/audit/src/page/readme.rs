//! The pack's own page: what it holds, what to look at, how to check it, and which controls it speaks to.

use std::collections::BTreeMap;

use crate::pack::Query;
use crate::page::{Html, document, facts, table};

const HOW: &str = include_str!("readme.html");

/// The page.
pub fn page(query: &Query, exceptions: &BTreeMap<String, Vec<String>>, recorded: bool) -> String {
    let filter = &query.filter;
    let mut head = Html::own("<h1>Evidence pack</h1>");
    head.push(Html::element("p", "", Html::code(query.origin.as_str())));
    let mut body = Html::element("header", "", head);
    if !recorded {
        body.push(Html::own(
            "<div class=\"note alert\"><strong>This export was not recorded in the log.</strong> Its list of files is \
             not signed: <code>verify</code> lists that as an exception.</div>",
        ));
    }
    let requests = filter.requests.iter().map(|id| Html::code(id.as_str()));
    body.push(Html::own("<h2>What was asked for</h2>"));
    body.push(facts([
        ("From", Html::text(&filter.from.to_string())),
        ("Until before", Html::text(&filter.to.to_string())),
        ("Control", Html::text(filter.control.as_deref().unwrap_or("all"))),
        ("Requests", Html::join(requests, " ")),
        ("Entries of the log", Html::text(&format!("{} up to before {}", query.start, query.end))),
        ("Exported with", Html::text(&query.tool)),
    ]));
    body.push(Html::own("<h2>What is here</h2>"));
    let counts = &query.counts;
    let number = |count: u64| Html::text(&count.to_string());
    let mut rows = vec![
        vec![Html::text("Entries in the range, without a gap"), number(counts.leaves)],
        vec![Html::text("Events selected"), number(counts.events)],
        vec![Html::text("Requests touched"), number(counts.requests)],
    ];
    rows.extend(counts.statuses.iter().map(|(status, count)| {
        vec![Html::text(&format!("of them {status} at the end of the range")), number(*count)]
    }));
    body.push(table("counts", &["", "Number"], rows));
    let types = counts.types.iter().map(|(kind, count)| vec![Html::code(kind), number(*count)]);
    body.push(table("counts", &["Events selected, by type", "Number"], types));

    body.push(Html::own("<h2>What to look at</h2>"));
    if exceptions.is_empty() {
        body.push(Html::own("<p>Nothing is out of the ordinary in the requests touched.</p>"));
    } else {
        let rows = exceptions.iter().map(|(id, all)| {
            vec![Html::code(id), Html::join(all.iter().map(|line| Html::text(line)), "<br>")]
        });
        body.push(table("", &["Request", "What"], rows));
    }
    body.push(Html::own(HOW));
    document("Evidence pack · Countersign", &body)
}
