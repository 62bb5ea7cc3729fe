//! One schedule: writers, doorbells and up to four archivers, in an order that the seed makes.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use countersign_app::memory::Op;
use countersign_app::ports::PortError;
use countersign_app::sample;
use countersign_domain::event::{Event, Fact};
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use tokio::sync::OnceCell;

use super::check;
use super::world::{Mutant, Port, TestLog, World};
use crate::log::{LogError, Logs};

/// What a schedule did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Did {
    pub commits: u32,
    pub lost: u32,
    pub crashes: u32,
    pub took_over: u32,
    pub events: u32,
    pub unanswered: u32,
}

impl std::ops::AddAssign for Did {
    fn add_assign(&mut self, other: Did) {
        self.commits += other.commits;
        self.lost += other.lost;
        self.crashes += other.crashes;
        self.took_over += other.took_over;
        self.events += other.events;
        self.unanswered += other.unanswered;
    }
}

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

thread_local! {
    /// What the waits of this thread's archivers are made of.
    static WAITS: Cell<u64> = const { Cell::new(0) };
}

fn spread(ceiling: u64) -> u64 {
    let mut dice = Dice(WAITS.get());
    let wait = dice.next() % (ceiling + 1);
    WAITS.set(dice.0);
    wait
}

/// An archiver that was just started.
pub fn log(port: Port, most: usize, spread: fn(u64) -> u64) -> TestLog {
    Logs {
        table: port.clone(),
        archive: port.clone(),
        signer: port,
        base: sample::origin(),
        source: sample::SOURCE.to_owned(),
        most,
        spread,
        key: OnceCell::new(),
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), LogError>>>>;

async fn sweep(log: TestLog) -> Result<(), LogError> {
    use countersign_app::ports::Ledger;
    let pending = log.table.pending(None, 1000).await.map_err(LogError::Table)?;
    log.archive(&pending.subjects, sample::at(5)).await?;
    log.beat(sample::at(5)).await
}

async fn answer(log: TestLog, rang: BTreeSet<Subject>) -> Result<(), LogError> {
    log.archive(&rang, sample::at(5)).await.map(|_| ())
}

/// Runs it, and says what is not as it must be.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Result<Did, String> {
    WAITS.set(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(Schedule::new(seed, mutant).play())
}

struct Schedule {
    dice: Dice,
    world: Arc<World>,
    most: usize,
    heads: Vec<(Subject, Head)>,
    bells: VecDeque<Subject>,
    archivers: Vec<Running>,
    did: Did,
}

impl Schedule {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let world = World { mutant, ..World::default() };
        let subjects = [
            Subject::Request(sample::id(1)),
            Subject::Request(sample::id(2)),
            Subject::Request(sample::id(3)),
            Subject::Agent(sample::agent("deploy")),
        ];
        Self {
            most: 2 + dice.below(6),
            world: Arc::new(world),
            heads: subjects.into_iter().map(|subject| (subject, Head::EMPTY)).collect(),
            bells: VecDeque::new(),
            archivers: Vec::new(),
            did: Did::default(),
            dice,
        }
    }

    async fn play(mut self) -> Result<Did, String> {
        if self.dice.one_in(100) {
            // Begin where a tile becomes full.
            for _ in 0..250 {
                self.write();
            }
            self.bells.clear();
            sweep(self.log(80)).await.map_err(|error| format!("to begin with: {error}"))?;
        }
        for _ in 0..150 + self.dice.below(250) {
            self.step().await?;
        }
        // Whoever is left either dies or comes to an end.
        while !self.archivers.is_empty() {
            self.poll().await?;
            if self.dice.one_in(60) {
                self.crash();
            }
        }
        self.world.table.hold_index(false);
        self.world.table.faults.clear();
        self.world.bucket.faults.clear();
        self.world.signer.faults.clear();
        sweep(self.log(80)).await.map_err(|error| format!("the last sweep: {error}"))?;
        self.did.commits = self.world.commits.load(Ordering::Relaxed);
        self.did.lost = self.world.lost.load(Ordering::Relaxed);
        check::whole(&self.world).await?;
        Ok(self.did)
    }

    fn log(&self, most: usize) -> TestLog {
        log(Port(self.world.clone()), most, spread)
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.dice.below(40) {
            0..3 => self.write(),
            3 => self.ring_again(),
            4 | 5 => self.start(),
            6 => {
                let held = self.dice.one_in(2);
                self.world.table.hold_index(held);
            }
            7 => self.fault(),
            8 if self.dice.one_in(2) => self.crash(),
            _ => self.poll().await?,
        }
        Ok(())
    }

    /// One event more, and its doorbell, unless that is lost.
    fn write(&mut self) {
        let at = self.dice.below(self.heads.len());
        let (subject, head) = &mut self.heads[at];
        let place = Place { source: sample::SOURCE, subject, rno: None };
        let event = Event { time: sample::at(head.seq), fact: Fact::Escalated { level: 1 } };
        let leaf = Leaf::make(&place, head, &event).unwrap();
        *head = leaf.head();
        self.world.table.append(subject, &leaf);
        self.did.events += 1;
        match self.dice.below(4) {
            0 => {}
            1 => self.bells.push_front(subject.clone()),
            _ => self.bells.push_back(subject.clone()),
        }
    }

    fn ring_again(&mut self) {
        let at = self.dice.below(self.heads.len());
        self.bells.push_back(self.heads[at].0.clone());
    }

    fn start(&mut self) {
        if self.archivers.len() == 4 {
            return;
        }
        let log = self.log(self.most);
        if self.dice.one_in(5) {
            self.archivers.push(Box::pin(sweep(log)));
            return;
        }
        let count = 1 + self.dice.below(3);
        let rang: BTreeSet<_> = self.bells.drain(..count.min(self.bells.len())).collect();
        if self.dice.one_in(4) {
            self.bells.extend(rang.iter().cloned());
        }
        self.archivers.push(Box::pin(answer(log, rang)));
    }

    fn fault(&mut self) {
        let table = [Op::LogHead, Op::Unsealed, Op::Leaves, Op::CommitLog, Op::CommitLog, Op::Published];
        let bucket = [Op::PutIfAbsent, Op::PutIfAbsent, Op::Oldest, Op::Current, Op::Replace];
        let (world, dice) = (&self.world, &mut self.dice);
        let (faults, op) = match dice.below(3) {
            0 => (&world.bucket.faults, bucket[dice.below(bucket.len())]),
            1 => (&world.signer.faults, Op::Sign),
            _ => (&world.table.faults, table[dice.below(table.len())]),
        };
        match dice.below(3) {
            0 => faults.fail_next(op, PortError::Unavailable("down".into())),
            1 if op == Op::CommitLog => faults.fail_next(op, PortError::Conflict),
            _ => faults.lose_next(op),
        }
        self.did.unanswered += 1;
    }

    fn crash(&mut self) {
        if !self.archivers.is_empty() {
            let at = self.dice.below(self.archivers.len());
            drop(self.archivers.swap_remove(at));
            self.did.crashes += 1;
        }
    }

    /// One archiver gets on by one call, or time does.
    async fn poll(&mut self) -> Result<(), String> {
        if self.archivers.is_empty() || self.dice.one_in(12) {
            let millis = self.dice.next() % 300;
            if millis > 290 {
                self.did.took_over += 1;
                tokio::time::advance(Duration::from_millis(2500)).await;
            }
            tokio::time::advance(Duration::from_millis(millis)).await;
            return Ok(());
        }
        let at = self.dice.below(self.archivers.len());
        let mut context = Context::from_waker(Waker::noop());
        match self.archivers[at].as_mut().poll(&mut context) {
            Poll::Pending => Ok(()),
            Poll::Ready(done) => {
                drop(self.archivers.swap_remove(at));
                match done {
                    Err(LogError::Halted(halt)) => Err(format!("halted: {halt}")),
                    _ => Ok(()),
                }
            }
        }
    }
}
