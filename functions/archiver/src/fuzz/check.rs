//! What must hold after a schedule, by what is in table and bucket alone.

use std::collections::{BTreeMap, BTreeSet};

use countersign_app::ports::{Ledger, Table};
use countersign_app::sample;
use countersign_domain::leaf::{Frame, Subject};
use countersign_tlog::tree::{self, Hash, TreeError, leaf_hash, prove_consistency, verify_consistency};
use countersign_tlog::{Bundle, Checkpoint, Note};

use super::world::World;

/// Everything: no gap, no duplicate, no fork, and every event is in.
pub async fn whole(world: &World) -> Result<(), String> {
    let origin = sample::origin();
    let head = world.table.log_head(&origin).await.unwrap().ok_or("the log has not begun")?;
    must(head.published == head.size, "all is published")?;
    let objects = world.bucket.objects();
    let leaves = leaves(head.size, |path| objects.get(&format!("{origin}/{path}")).cloned())?;
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    must(tree::root(&hashes) == head.root, "the bundles lead to the head's root")?;

    sealed(world, &leaves).await?;
    let mut all: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (key, bytes) in &objects {
        if key.contains("/checkpoints/") {
            all.insert(Note::parse(bytes).map_err(|error| format!("{key}: {error}"))?.text().into());
        }
        must(key.ends_with("/checkpoint") || world.bucket.versions(key).len() == 1, key)?;
    }
    let newest = all.last().cloned();
    let signed: BTreeSet<_> = world.seen.lock().unwrap().iter().cloned().collect();
    must(all.is_subset(&signed), "nothing is shown that was not signed")?;
    chain(signed.iter().map(|text| read(text)).collect(), &hashes)?;

    let shown = world.bucket.versions(&format!("{origin}/checkpoint"));
    let shown: Vec<_> = shown
        .into_iter()
        .flatten()
        .map(|bytes| read(Note::parse(&bytes).unwrap().text().as_bytes()))
        .collect();
    must(
        shown.windows(2).all(|pair| pair[0].size() < pair[1].size()),
        "the newest checkpoint never goes back",
    )?;
    must(shown.last().map(Checkpoint::size) == Some(head.size) && newest.is_some(), "the newest is shown")?;
    chain(shown, &hashes)
}

fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not so: {what}")) }
}

fn read(text: &[u8]) -> Checkpoint {
    std::str::from_utf8(text).unwrap().parse().unwrap()
}

fn leaves(size: u64, file: impl Fn(String) -> Option<Vec<u8>>) -> Result<Vec<Vec<u8>>, String> {
    let mut leaves = Vec::new();
    for bundle in (0..).map_while(|index| Bundle::of(index, size)) {
        let bytes = file(bundle.path()).ok_or_else(|| format!("{} is missing", bundle.path()))?;
        let entries = bundle.entries(&bytes).map_err(|error| error.to_string())?;
        leaves.extend(entries.into_iter().map(<[u8]>::to_vec));
    }
    Ok(leaves)
}

/// Each event of the table is one leaf, where the table says, after the one before it; and there is no other leaf.
async fn sealed(world: &World, leaves: &[Vec<u8>]) -> Result<(), String> {
    let mut of: BTreeMap<Subject, Vec<u32>> = BTreeMap::new();
    for leaf in leaves {
        let frame = Frame::read(leaf).map_err(|error| error.to_string())?;
        of.entry(frame.subject).or_default().push(frame.seq);
    }
    let mut events = 0;
    for (subject, numbers) in &of {
        must(
            numbers.iter().copied().eq(1..=numbers.len() as u32),
            &format!("{subject} in order: {numbers:?}"),
        )?;
        let stored = world.table.events(subject).await.unwrap();
        must(stored.len() == numbers.len(), &format!("every event of {subject}"))?;
        events += stored.len();
        for event in stored {
            let index = event.index.and_then(|index| usize::try_from(index).ok());
            let leaf = index.and_then(|index| leaves.get(index));
            must(leaf == Some(&event.bytes), &format!("{subject}.{} is where the table says", event.seq))?;
        }
    }
    must(events == leaves.len(), "no other leaf")?;
    must(world.table.pending(None, 10).await.unwrap().subjects.is_empty(), "nothing is pending")
}

/// Each checkpoint is of a prefix of the next.
fn chain(mut checkpoints: Vec<Checkpoint>, hashes: &[Hash]) -> Result<(), String> {
    checkpoints.sort_by_key(Checkpoint::size);
    for pair in checkpoints.windows(2) {
        let (old, new) = (&pair[0], &pair[1]);
        let node = |level: u8, index: u64| {
            let from = usize::try_from(index << level).unwrap();
            Ok::<_, TreeError>(tree::root(&hashes[from..from + (1 << level)]))
        };
        must(usize::try_from(new.size()).unwrap() <= hashes.len(), "no checkpoint is beyond the log")?;
        let proof = prove_consistency(old.size(), new.size(), node).map_err(|error| error.to_string())?;
        verify_consistency((old.size(), old.root()), (new.size(), new.root()), &proof)
            .map_err(|error| format!("{} → {}: {error}", old.size(), new.size()))?;
    }
    Ok(())
}
