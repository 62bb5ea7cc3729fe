//! How many tests passed and failed, read from what each runner prints at its end.

/// Counts of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// A step that is one check.
    pub(super) fn one(good: bool) -> Self {
        Self { passed: u64::from(good), failed: u64::from(!good) }
    }
}

/// `Summary [ 0.1s] 16 tests run: 15 passed (1 slow), 1 failed, 1 timed out, 0 skipped`
pub(super) fn nextest(text: &str) -> Tally {
    let summary = text.lines().rev().find(|line| line.contains("tests run:") || line.contains("test run:"));
    let counts = summary.and_then(|line| line.split_once("run:")).map_or("", |(_, counts)| counts);
    Tally {
        passed: before(counts, "passed"),
        failed: ["failed", "timed out", "exec failed"].map(|word| before(counts, word)).iter().sum(),
    }
}

/// `test result: ok. 16 passed; 0 failed; …`, once for each binary.
pub(super) fn cargo_test(text: &str) -> Tally {
    let results = text.lines().filter(|line| line.starts_with("test result:"));
    results.fold(Tally::default(), |sum, line| Tally {
        passed: sum.passed + before(line, "passed"),
        failed: sum.failed + before(line, "failed"),
    })
}

/// `==== 5 passed, 1 failed, 1 error in 1.2s ====`, or without the bars.
pub(super) fn pytest(text: &str) -> Tally {
    let last = text.lines().rev().find(|line| {
        line.contains(" in ")
            && (line.contains("passed") || line.contains("failed") || line.contains("error"))
    });
    let line = last.unwrap_or_default();
    Tally {
        passed: before(line, "passed"),
        failed: ["failed", "error", "errors"].map(|word| before(line, word)).iter().sum(),
    }
}

/// `ℹ pass 12`, `ℹ fail 0`, or with `#`.
pub(super) fn node(text: &str) -> Tally {
    let after = |word: &str| {
        let lines = text.lines().rev();
        let mut found = lines.filter_map(|line| line.trim_start_matches(['ℹ', '#', ' ']).strip_prefix(word));
        found.find_map(|rest| rest.trim().parse().ok()).unwrap_or_default()
    };
    Tally { passed: after("pass "), failed: after("fail ") + after("cancelled ") }
}

/// The number that stands before this word.
fn before(line: &str, word: &str) -> u64 {
    let pieces = line.split([',', ';', '.', '(', '=']).map(str::trim);
    let mut numbers = pieces.filter_map(|piece| {
        let (number, rest) = piece.split_once(' ')?;
        let names = rest == word || rest.starts_with(&format!("{word} in "));
        if names { number.parse::<u64>().ok() } else { None }
    });
    numbers.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: fn(&str) -> Tally, text: &str, passed: u64, failed: u64) {
        assert_eq!(read(text), Tally { passed, failed }, "{text}");
    }

    #[test]
    fn each_runner_is_read() {
        check(nextest, "     Summary [   0.123s] 16 tests run: 16 passed, 2 skipped\n", 16, 0);
        check(
            nextest,
            "Summary [ 1s] 9/9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 0 skipped",
            6,
            3,
        );
        check(nextest, "error: could not compile", 0, 0);
        let two = "test result: ok. 3 passed; 0 failed; 0 ignored\nx\ntest result: FAILED. 4 passed; 1 failed; 2 ignored\n";
        check(cargo_test, two, 7, 1);
        check(pytest, "x\n===== 5 passed, 2 skipped in 1.20s =====\n", 5, 0);
        check(pytest, "1 failed, 5 passed, 2 errors in 1.20s (0:01:00)", 5, 3);
        check(pytest, "1 error in 0.20s", 0, 1);
        check(node, "ℹ tests 3\nℹ pass 2\nℹ fail 1\nℹ cancelled 0\n", 2, 1);
        check(node, "# pass 12\n# fail 0\n", 12, 0);
    }
}
