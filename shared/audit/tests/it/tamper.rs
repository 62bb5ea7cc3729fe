//! Files changed in a pack, and leaves changed and signed again with the log's own key.

use std::fs;

use countersign_audit::pack::{self, checkpoint_at};
use serde_json::json;

use crate::kit::{
    base, changed, excepts, first, flip, leaf, names, publish, rechained, rewritten, values, verified,
};
use crate::log::{Export, Log, keys, keys_of, policy};
use crate::world::{START, World, at};

#[test]
fn a_byte_of_an_entry() {
    let log = base();
    let bundle = "log/tile/entries/001";
    let dir = Export::all(log).write(log);
    flip(&dir, bundle, 60);
    let report = verified(&dir, &policy(false), None);
    names(&report, 1, bundle);
    names(&report, 4, bundle);
    let dir = changed(log, |dir| flip(dir, bundle, 60));
    let report = verified(&dir, &policy(false), None);
    names(&report, 4, bundle);
    // The bundle's first entry, or the one that follows it.
    assert!(report.findings.iter().any(|f| matches!(f.check, 6 | 7 | 10)), "{}", crate::kit::text(&report));
}

#[test]
fn a_byte_of_a_tile() {
    for path in ["log/tile/1/000.p/3", "log/tile/0/003.p/196"] {
        let dir = changed(base(), |dir| flip(dir, path, 40));
        let report = verified(&dir, &policy(false), None);
        let place = if path.contains("tile/1") { path } else { "the pack" };
        names(&report, 4, place);
    }
}

#[test]
fn a_byte_of_a_checkpoint() {
    for path in [pack::CHECKPOINT.to_owned(), checkpoint_at(base().size())] {
        for at in [3, 45, 120] {
            let dir = changed(base(), |dir| flip(dir, &path, at));
            names(&verified(&dir, &policy(false), None), 2, &path);
        }
    }
}

#[test]
fn a_dropped_leaf() {
    let mut leaves = base().leaves.clone();
    let votes = values(base());
    let vote = first(&votes, "vote.cast", 300);
    leaves.remove(vote);
    rewritten(&leaves, Some((7, leaf(vote))));
    // A whole request, and all chained anew.
    let subject = votes[vote]["subject"].clone();
    let kept: Vec<_> = votes.into_iter().filter(|leaf| leaf["subject"] != subject).collect();
    rewritten(&rechained(kept), Some((8, "leaf".into())));
}

#[test]
fn swapped_leaves() {
    let mut leaves = base().leaves.clone();
    let vote = first(&values(base()), "vote.cast", 300);
    leaves.swap(vote, vote + 1);
    rewritten(&leaves, Some((7, leaf(vote))));
}

#[test]
fn an_inserted_leaf_and_one_that_is_there_twice() {
    let mut leaves = base().leaves.clone();
    let vote = first(&values(base()), "vote.cast", 300);
    leaves.insert(vote + 5, leaves[vote].clone());
    rewritten(&leaves, Some((6, leaf(vote + 5))));
    let mut values = values(base());
    let mut more = values[vote].clone();
    more["data"]["person"] = json!("carol");
    values.insert(vote + 1, more);
    rewritten(&rechained(values), Some((10, leaf(vote + 1))));
}

#[test]
fn an_edited_leaf() {
    let mut values = values(base());
    let created = first(&values, "request.created", 300);
    values[created]["data"]["action"] = json!("s3.delete");
    let mut leaves = base().leaves.clone();
    leaves[created] = countersign_domain::canonical::jcs(&values[created]);
    rewritten(&leaves, Some((7, leaf(created + 1))));
    // With the chain made anew only who kept something sees it.
    rewritten(&rechained(values), None);
}

#[test]
fn a_backdated_leaf() {
    let mut values = values(base());
    let denied = first(&values, "execution.refused", 300);
    values[denied]["time"] = json!(at(START - 60_000));
    rewritten(&rechained(values), Some((12, leaf(denied))));
}

#[test]
fn a_truncated_log() {
    let (old, new) = (base(), publish(&base().leaves[..700]));
    let dir = Export::all(&new).write(&new);
    let newer = old.pin(old.size());
    excepts(&verified(&dir, &policy(false), Some(&newer)), 5, "is newer than the pack");
    names(&verified(&dir, &policy(true), None), 3, "log/checkpoint");
    // And grown again, as if nothing had been there.
    let mut leaves = base().leaves[..700].to_vec();
    leaves.extend(base().leaves[720..].iter().cloned());
    rewritten(&leaves, None);
}

#[test]
fn a_foreign_key_a_fork_and_a_replay() {
    let log = base();
    let foreign = Log::publish(&log.leaves, 37, &keys_of(7));
    let dir = Export::all(&foreign).write(&foreign);
    names(&verified(&dir, &policy(false), None), 2, pack::CHECKPOINT);

    let mut other = log.leaves.clone();
    other.swap(5, 6);
    let fork = publish(&other).checkpoints[&log.size()].to_string();
    let path = checkpoint_at(log.size());
    let dir = changed(log, |dir| fs::write(dir.0.join(&path), &fork).unwrap());
    names(&verified(&dir, &policy(false), None), 2, &path);

    let old = log.checkpoints[&740].to_string();
    let dir = changed(log, |dir| fs::write(dir.0.join(pack::CHECKPOINT), &old).unwrap());
    names(&verified(&dir, &policy(false), None), 2, pack::CHECKPOINT);
}

#[test]
fn an_archiver_that_was_off_for_two_hours() {
    // Nothing happened meanwhile.
    let quiet = publish(&World::quiet(6, 130 * 60_000).leaves);
    let dir = Export::all(&quiet).write(&quiet);
    names(&verified(&dir, &policy(false), None), 9, "leaf");
    // Much did, and came into the log later, a subject after the other; the log itself said nothing.
    let world = World::live(600, 4, 20_000);
    let off = START + 3_600_001..START + 3 * 3_600_000;
    let late = |i: &usize| off.contains(&world.times[*i]);
    let values: Vec<serde_json::Value> =
        world.leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect();
    let end = world.times.iter().position(|time| *time >= off.end).unwrap();
    let mut order: Vec<usize> = (0..end).filter(|i| !late(i)).collect();
    let mut caught_up: Vec<usize> = (0..end).filter(late).collect();
    caught_up.retain(|i| values[*i]["type"] != "log.heartbeat");
    caught_up.sort_by_key(|i| values[*i]["subject"].to_string());
    order.extend(caught_up);
    order.extend(end..values.len());
    let log = publish(&rechained(order.iter().map(|i| values[*i].clone()).collect()));
    let dir = Export::all(&log).write(&log);
    let report = verified(&dir, &policy(false), None);
    names(&report, 9, "leaf");
    names(&report, 12, "leaf");
}

#[test]
fn a_key_in_the_pack() {
    let vkey = keys().log.to_string();
    let pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for (path, text) in
        [("log.vkey", "x"), ("note.txt", &vkey), ("README.html", &format!("<code>{vkey}</code>"))]
    {
        let dir = changed(base(), |dir| fs::write(dir.0.join(path), text).unwrap());
        names(&verified(&dir, &policy(false), None), 1, path);
    }
    let dir = changed(base(), |dir| fs::write(dir.0.join("samples.txt"), format!("a{pem}")).unwrap());
    names(&verified(&dir, &policy(false), None), 1, "samples.txt, byte 12");
}

#[test]
fn files_that_are_more_fewer_or_other_than_the_manifest_says() {
    let log = base();
    let dir = Export::all(log).write(log);
    fs::write(dir.0.join("more.txt"), "x").unwrap();
    names(&verified(&dir, &policy(false), None), 1, "more.txt");
    let dir = Export::all(log).write(log);
    fs::remove_file(dir.0.join("README.html")).unwrap();
    names(&verified(&dir, &policy(false), None), 1, "README.html");
    // The log recorded another manifest.
    let dir = Export::all(log).write(log);
    fs::write(dir.0.join("README.html"), "all is well").unwrap();
    crate::log::manifest(&dir.0);
    names(&verified(&dir, &policy(false), None), 1, pack::MANIFEST_PROOF);
}

#[test]
fn an_export_that_hides_a_row() {
    let selected = first(&values(base()), "execution.consumed", 400);
    for (path, line, place) in [
        (pack::POPULATION, selected, leaf(selected)),
        (pack::POPULATION_CSV, selected + 1, leaf(selected)),
        (pack::REQUESTS_CSV, 40, "leaf".into()),
    ] {
        let dir = changed(base(), |dir| {
            let text = fs::read_to_string(dir.0.join(path)).unwrap();
            let kept: Vec<&str> = text
                .split_inclusive('\n')
                .enumerate()
                .filter(|(i, _)| *i != line)
                .map(|(_, line)| line)
                .collect();
            fs::write(dir.0.join(path), kept.concat()).unwrap();
        });
        names(&verified(&dir, &policy(false), None), 11, &place);
        let dir = changed(base(), |dir| {
            let mut text = fs::read_to_string(dir.0.join(path)).unwrap();
            text += "one more\n";
            fs::write(dir.0.join(path), text).unwrap();
        });
        names(&verified(&dir, &policy(false), None), 11, path);
    }
    let dir = changed(base(), |dir| {
        let text = fs::read_to_string(dir.0.join(pack::QUERY)).unwrap();
        fs::write(dir.0.join(pack::QUERY), text.replace("\"rejected\": ", "\"rejected\": 1")).unwrap();
    });
    names(&verified(&dir, &policy(false), None), 11, pack::QUERY);
}
