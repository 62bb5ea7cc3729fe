//! Packs that are right: whole logs and ranges from the middle, with pins of any age, cosigned or not.

use std::fs;

use countersign_audit::report::Severity;

use crate::kit::{base, excepts, holds, text, verified};
use crate::log::{Export, policy};
use crate::world::{START, at};

#[test]
fn a_whole_log() {
    let log = base();
    assert!(log.size() > 600 && !log.size().is_multiple_of(256), "{}", log.size());
    let report = holds(&Export::all(log).write(log), None);
    let counts: Vec<u64> = report.checks.iter().map(|check| check.counted).collect();
    assert_eq!((counts[3], counts[9], counts[10]), (log.size(), 150, log.size()), "{}", text(&report));
    excepts(&report, 3, "asks for no witness");
    let unrecorded = Export { recorded: false, ..Export::all(log) };
    excepts(&holds(&unrecorded.write(log), None), 1, "did not record");
}

#[test]
fn a_cosigned_log_has_no_exception() {
    let log = base();
    let report = verified(&Export { witness: true, ..Export::all(log) }.write(log), &policy(true), None);
    assert!(!report.is_broken() && !report.has_exceptions(), "{}", text(&report));
}

#[test]
fn a_range_from_the_middle_with_pins_of_any_age() {
    let log = base();
    for (start, end) in [(185, 925), (259, 703), (518, 777), (740, 777)] {
        let mut export = Export { start, end, ..Export::all(log) };
        // Of requests that were made well after the range began.
        export.filter.from = at(i64::MAX - 1);
        let dir = export.write(log);
        let report = holds(&dir, None);
        assert!(text(&report).contains("begun before the range"), "{}", text(&report));
        for pin in [37, 111, 185, 740, 777] {
            let report = verified(&dir, &policy(false), Some(&log.pin(pin)));
            match pin {
                newer if newer > end => excepts(&report, 5, "is newer than the pack"),
                // The tile that a small old pin needs is only there when the export was asked for it.
                older if older < start && older % 256 != start % 256 => {
                    let old = report.findings.iter().filter(|finding| finding.check == 5);
                    old.for_each(|finding| assert!(finding.what.contains("export with --pin"), "{finding}"));
                }
                _ => assert!(!report.is_broken(), "{}", text(&report)),
            }
        }
    }
}

#[test]
fn a_selection_by_time_control_and_request() {
    let log = base();
    let mut export = Export::all(log);
    export.filter.from = at(START + 600_000);
    export.filter.to = at(START + 1_200_000);
    let some = holds(&export.write(log), None).checks[10].counted;
    assert!(some > 0 && some < log.size());
    export.filter.control = Some("CC6.3".into());
    let fewer = holds(&export.write(log), None).checks[10].counted;
    assert!(fewer > 0 && fewer < some);
}

#[test]
fn a_sample_that_was_added_is_told() {
    let log = base();
    let dir = Export::all(log).write(log);
    fs::create_dir_all(dir.0.join("samples")).unwrap();
    fs::write(dir.0.join("samples/req.html"), "<p>").unwrap();
    let report = holds(&dir, None);
    let told = report.findings.iter().any(|f| f.check == 1 && f.severity == Severity::Exception);
    assert!(told, "{}", text(&report));
}
