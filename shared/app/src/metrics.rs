//! What CloudWatch counts, each as one line in its embedded metric format. Ids are no dimension: a stack has three series.

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
        write(&self.line(source, function, now));
    }

    /// The line. `source` is `urn:countersign:<stack>`.
    pub fn line(self, source: &str, function: &str, now: Time) -> Value {
        json!({
            "_aws": directive(&["Stack", "Function"], &["Swept", "SweepFailures"], now),
            "Stack": source.strip_prefix("urn:countersign:").unwrap_or(source),
            "Function": function,
            "Swept": self.looked,
            "SweepFailures": self.failures,
        })
    }
}

/// The log is halted: table, archive and the last signed checkpoint are at odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHalted;

impl LogHalted {
    /// Writes the line to standard output, where CloudWatch takes metrics from.
    pub fn report(self, function: &str, now: Time) {
        write(&self.line(function, now));
    }

    /// The line. `function` is the function's whole name, as Lambda has it.
    pub fn line(self, function: &str, now: Time) -> Value {
        json!({
            "_aws": directive(&["FunctionName"], &["LogHalted"], now),
            "FunctionName": function,
            "LogHalted": 1,
        })
    }
}

/// The witness was asked to cosign the newest checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WitnessAsked {
    /// Whether there is nothing left to cosign.
    pub cosigned: bool,
}

impl WitnessAsked {
    /// Writes the line to standard output, where CloudWatch takes metrics from.
    pub fn report(self, source: &str, now: Time) {
        write(&self.line(source, now));
    }

    /// The line. `source` is `urn:countersign:<stack>`.
    pub fn line(self, source: &str, now: Time) -> Value {
        json!({
            "_aws": directive(&["Stack"], &["WitnessFailures"], now),
            "Stack": source.strip_prefix("urn:countersign:").unwrap_or(source),
            "WitnessFailures": u8::from(!self.cosigned),
        })
    }
}

fn directive(dimensions: &[&str], metrics: &[&str], now: Time) -> Value {
    let metrics: Vec<_> = metrics.iter().map(|name| json!({"Name": name, "Unit": "Count"})).collect();
    json!({
        "Timestamp": now.millis(),
        "CloudWatchMetrics": [{"Namespace": "Countersign", "Dimensions": [dimensions], "Metrics": metrics}],
    })
}

fn write(line: &Value) {
    // A metric that cannot be written must not end what is under way.
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each name that the directive gives is a member beside it.
    fn check(line: &Value, expect: &[Value]) {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            (&line["_aws"]["Timestamp"], &directive["Namespace"]),
            (&json!(12_345), &json!("Countersign"))
        );
        let metrics = directive["Metrics"].as_array().unwrap().iter().map(|metric| &metric["Name"]);
        let names = directive["Dimensions"][0].as_array().unwrap().iter().chain(metrics);
        let values: Vec<_> = names.map(|name| line[name.as_str().unwrap()].clone()).collect();
        assert_eq!(values, expect);
        assert!(!line.to_string().contains('\n'));
    }

    #[test]
    fn a_line_is_of_the_embedded_metric_format() {
        let at = Time::from_millis(12_345);
        let swept = Swept { looked: 7, failures: 2 }.line("urn:countersign:cs", "relay", at);
        check(&swept, &[json!("cs"), json!("relay"), json!(7), json!(2)]);
        let asked = |cosigned| WitnessAsked { cosigned }.line("urn:countersign:cs", at);
        check(&asked(false), &[json!("cs"), json!(1)]);
        check(&asked(true), &[json!("cs"), json!(0)]);
        check(&LogHalted.line("cs-archiver", at), &[json!("cs-archiver"), json!(1)]);
    }
}
