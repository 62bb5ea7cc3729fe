//! The dense numbers of an agent's requests: which were seen, in any order, as runs without a gap.

use std::collections::BTreeMap;

use countersign_domain::Time;

/// Where a number stands in the log, and the time of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub index: u64,
    pub time: Time,
}

/// A run of numbers: its last, and where its ends were seen.
#[derive(Debug, Clone, Copy)]
struct Run {
    last: u64,
    first_seen: Seen,
    last_seen: Seen,
}

/// The numbers of one agent.
#[derive(Debug, Default)]
pub struct Numbers(BTreeMap<u64, Run>);

/// Numbers that are missing, and what stands on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
    /// `None`: no smaller number was seen.
    pub before: Option<Seen>,
    pub after: Seen,
}

impl Numbers {
    /// Takes a number in; `false` if it was there.
    pub fn take(&mut self, number: u64, seen: Seen) -> bool {
        let below = self.0.range(..=number).next_back().map(|(first, run)| (*first, *run));
        if below.is_some_and(|(_, run)| run.last >= number) {
            return false;
        }
        let mut run = Run { last: number, first_seen: seen, last_seen: seen };
        let mut first = number;
        if let Some((start, below)) = below
            && below.last.checked_add(1) == Some(number)
        {
            (first, run.first_seen) = (start, below.first_seen);
        }
        if let Some(next) = number.checked_add(1)
            && let Some(above) = self.0.remove(&next)
        {
            (run.last, run.last_seen) = (above.last, above.last_seen);
        }
        self.0.insert(first, run);
        true
    }

    /// What is missing. `from_one`: the first number of all must be there.
    pub fn gaps(&self, from_one: bool) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut before: Option<(u64, Seen)> = None;
        for (first, run) in &self.0 {
            let expected = match before {
                Some((last, _)) => last.saturating_add(1),
                None if from_one => 1,
                None => *first,
            };
            if *first > expected {
                let (from, to) = (expected, first - 1);
                gaps.push(Gap { from, to, before: before.map(|(_, seen)| seen), after: run.first_seen });
            }
            before = Some((run.last, run.last_seen));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_come_in_any_order_and_gaps_are_found() {
        fn check(numbers: &[u64], from_one: bool, gaps: &[(u64, u64)]) {
            let mut all = Numbers::default();
            for number in numbers {
                assert!(all.take(*number, Seen { index: *number, time: Time::from_millis(0) }));
                assert!(!all.take(*number, Seen { index: 0, time: Time::from_millis(0) }));
            }
            let found: Vec<_> = all.gaps(from_one).iter().map(|gap| (gap.from, gap.to)).collect();
            assert_eq!(found, gaps, "{numbers:?}");
        }
        check(&[], true, &[]);
        check(&[1, 2, 3], true, &[]);
        check(&[3, 1, 2], true, &[]);
        check(&[2, 3], true, &[(1, 1)]);
        check(&[2, 3], false, &[]);
        check(&[7, 5, 9, 4], false, &[(6, 6), (8, 8)]);
        check(&[u64::MAX, 1], true, &[(2, u64::MAX - 1)]);
    }
}
