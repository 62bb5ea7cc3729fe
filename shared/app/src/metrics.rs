//! What a sweep did, as one line in CloudWatch's embedded metric format. Ids are no dimension: a stack has two series.

use std::io::Write as _;

use countersign_domain::Time;
use serde_json::{Value, json};

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// How many subjects it looked at.
    pub looked: usize,
    /// How many of them it could not bring up to date; one more for what it could not even look at.
    pub failures: usize,
}

impl Swept {
    /// Writes the line to standard output, where CloudWatch takes metrics from.
    pub fn report(self, source: &str, function: &str, now: Time) {
        // A metric that cannot be written must not end a sweep.
        let _ = writeln!(std::io::stdout(), "{}", self.line(source, function, now));
    }

    /// The line. `source` is `urn:countersign:<stack>`.
    pub fn line(self, source: &str, function: &str, now: Time) -> Value {
        let metric = |name: &str| json!({"Name": name, "Unit": "Count"});
        json!({
            "_aws": {
                "Timestamp": now.millis(),
                "CloudWatchMetrics": [{
                    "Namespace": "Countersign",
                    "Dimensions": [["Stack", "Function"]],
                    "Metrics": [metric("Swept"), metric("SweepFailures")],
                }],
            },
            "Stack": source.strip_prefix("urn:countersign:").unwrap_or(source),
            "Function": function,
            "Swept": self.looked,
            "SweepFailures": self.failures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_of_the_embedded_metric_format() {
        let line =
            Swept { looked: 7, failures: 2 }.line("urn:countersign:cs", "relay", Time::from_millis(12_345));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            (&line["_aws"]["Timestamp"], &directive["Namespace"]),
            (&json!(12_345), &json!("Countersign"))
        );
        // Each name that the directive gives is a member beside it.
        let metrics = directive["Metrics"].as_array().unwrap().iter().map(|metric| &metric["Name"]);
        let names = directive["Dimensions"][0].as_array().unwrap().iter().chain(metrics);
        let values: Vec<_> = names.map(|name| &line[name.as_str().unwrap()]).collect();
        assert_eq!(values, [&json!("cs"), &json!("relay"), &json!(7), &json!(2)]);
        assert!(!line.to_string().contains('\n'));
    }
}
