//! Notes, checkpoints, cosignatures and stand-alone proofs, with the specifications' examples.

use countersign_tlog::checkpoint::OpenError;
use countersign_tlog::note::{Algorithm, KeyError, Signature, VerifyError};
use countersign_tlog::proof::ProofError;
use countersign_tlog::text::{Fault, Malformed};
use countersign_tlog::tree::{TreeError, prove_inclusion};
use countersign_tlog::{Checkpoint, Note, Proof, VerifierKey};
use ed25519_dalek::{Signer, SigningKey};

use crate::kit::{leaves, mth, node};

const ORIGIN: &str = "example.com/log";

const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const EXAMPLE_CHECKPOINT: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn key(name: &str, algorithm: Algorithm, seed: u8) -> VerifierKey {
    VerifierKey::new(name, algorithm, secret(seed).verifying_key().as_bytes()).unwrap()
}

fn log_key() -> VerifierKey {
    key(ORIGIN, Algorithm::Ed25519, 1)
}

fn witness(seed: u8) -> VerifierKey {
    key(&format!("witness.example/w{seed}"), Algorithm::Cosignature, seed)
}

fn sign(note: &mut Note, key: &VerifierKey, seed: u8, time: Option<u64>) -> Result<(), VerifyError> {
    note.sign(key, time, |message| Ok(secret(seed).sign(message).to_bytes()))
}

/// Signed by the log and by witnesses 2 and 3.
fn signed(size: u64) -> Note {
    let mut note = Checkpoint::new(ORIGIN, size, mth(&leaves(size))).unwrap().note().unwrap();
    sign(&mut note, &log_key(), 1, None).unwrap();
    sign(&mut note, &witness(2), 2, Some(1_700_000_000)).unwrap();
    sign(&mut note, &witness(3), 3, Some(1_700_000_001)).unwrap();
    note
}

#[test]
fn the_specifications_examples_are_read() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!((key.name(), key.algorithm()), ("example.com/foo", Algorithm::Ed25519));
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let note = Note::parse(EXAMPLE_NOTE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap()[0].key, &key);
    assert_eq!(note.to_string(), EXAMPLE_NOTE);

    let note = Note::parse(EXAMPLE_CHECKPOINT.as_bytes()).unwrap();
    assert_eq!((note.signatures.len(), note.to_string()), (2, EXAMPLE_CHECKPOINT.to_owned()));
    let checkpoint: Checkpoint = note.text().parse().unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), note.text());
    let message = String::from_utf8(note.message(Some(1_679_315_147))).unwrap();
    assert_eq!(message, format!("cosignature/v1\ntime 1679315147\n{}", note.text()));
}

#[test]
fn a_note_ends_at_its_last_blank_line() {
    let text = "one\n\ntwo\n\n— not a signature\n\n";
    let mut note = Note::new(text.to_owned()).unwrap();
    sign(&mut note, &log_key(), 1, None).unwrap();
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!((read.text(), &read), (text, &note));
}

#[test]
fn one_known_signature_is_enough_and_a_wrong_one_is_too_much() {
    let mut note = signed(5);
    let keys = [log_key(), witness(2)];
    assert_eq!(note.verify(&keys).unwrap().len(), 2);
    assert_eq!(note.verify(&[witness(9)]), Err(VerifyError::Unknown));
    // The same name with another key, and the same key under another name, are somebody else.
    assert_eq!(note.verify(&[key(ORIGIN, Algorithm::Ed25519, 9)]), Err(VerifyError::Unknown));
    assert_eq!(note.verify(&[key("other", Algorithm::Ed25519, 1)]), Err(VerifyError::Unknown));
    assert_eq!(note.verify(&[key(ORIGIN, Algorithm::Cosignature, 1)]), Err(VerifyError::Unknown));

    // Whoever signs twice or is listed twice counts once.
    note.signatures.push(note.signatures[1].clone());
    assert_eq!(note.verify(&[witness(2), witness(2)]).unwrap().len(), 1);

    // A line of one witness under the other's name and id.
    let mut line = note.signatures[2].to_string();
    line.truncate(line.len() - 8);
    line.push_str("AAAAAAA=");
    note.signatures.push(line.parse().unwrap());
    assert_eq!(note.verify(&keys).unwrap().len(), 2);
    assert_eq!(
        note.verify(&[log_key(), witness(3)]),
        Err(VerifyError::Wrong("witness.example/w3".to_owned()))
    );
}

#[test]
fn what_is_not_the_keys_signature_is_not_added() {
    let mut note = signed(5);
    let before = note.clone();
    let wrong = |name: &str| Err(VerifyError::Wrong(name.to_owned()));
    assert_eq!(sign(&mut note, &log_key(), 9, None), wrong(ORIGIN));
    assert_eq!(sign(&mut note, &log_key(), 1, Some(7)), wrong(ORIGIN));
    assert_eq!(sign(&mut note, &witness(2), 2, None), wrong("witness.example/w2"));
    assert_eq!(sign(&mut note, &witness(2), 2, Some(1 << 63)), wrong("witness.example/w2"));
    assert_eq!(sign(&mut note, &witness(2), 2, Some((1 << 63) - 1)), Ok(()));
    note.signatures.pop();
    assert_eq!(note, before);
}

#[test]
fn a_checkpoint_opens_with_the_logs_key_alone() {
    let note = signed(5);
    let (log, witnesses) = ([log_key()], [witness(2), witness(3), witness(4)]);
    let opened = Checkpoint::open(&note, ORIGIN, &log, &witnesses).unwrap();
    assert_eq!((opened.checkpoint.size(), opened.checkpoint.root()), (5, &mth(&leaves(5))));
    assert_eq!(opened.log.len(), 1);
    let times: Vec<_> = opened.witnesses.iter().map(|witness| witness.time).collect();
    assert_eq!(times, [Some(1_700_000_000), Some(1_700_000_001)]);

    assert_eq!(Checkpoint::open(&note, ORIGIN, &log, &[]).unwrap().witnesses, []);
    // Witnesses do not stand in for the log.
    let unsigned = Err(OpenError::Signature(VerifyError::Unknown));
    assert_eq!(Checkpoint::open(&note, ORIGIN, &[], &witnesses), unsigned);
    assert_eq!(
        Checkpoint::open(&note, "example.com/other", &log, &witnesses),
        Err(OpenError::Origin(ORIGIN.to_owned()))
    );
    // No byte of the text can change, nor the time of a witness.
    let printed = note.to_string();
    for (at, _) in note.text().match_indices(|c: char| c.is_ascii_graphic()) {
        let mut bytes = printed.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = Note::parse(&bytes).unwrap();
        assert!(Checkpoint::open(&changed, ORIGIN, &log, &witnesses).is_err(), "byte {at}");
    }
}

#[test]
fn checkpoints_have_one_form() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let check = |body: &str, line: usize, fault: Fault| {
        let body = body.replace("ROOT", root);
        assert_eq!(body.parse::<Checkpoint>(), Err(Malformed { line, fault }), "{body:?}");
    };
    let with_extension = format!("o\n0\n{root}\nmore\n");
    assert_eq!(with_extension.parse::<Checkpoint>().unwrap().to_string(), with_extension);
    assert_eq!(with_extension.parse::<Checkpoint>().unwrap().extensions(), ["more"]);
    check("", 1, Fault::Newline);
    check("o\n1\nROOT", 3, Fault::Newline);
    check("o\n1\n", 3, Fault::Missing);
    check("\n1\nROOT\n", 1, Fault::Empty);
    check("o\n1\nROOT\n\n", 4, Fault::Empty);
    check("o\n1\nROOT\n\nx\n", 4, Fault::Empty);
    for number in ["01", "00", "+1", "-1", "1 ", " 1", "0x1", "18446744073709551616", "1\u{a0}", "١"] {
        check(&format!("o\n{number}\nROOT\n"), 2, Fault::Number);
    }
    check("o\n18446744073709551615\nROOT=\n", 3, Fault::Base64);
    check("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", 3, Fault::Base64);
    check("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", 3, Fault::Base64);
    check("o\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n", 3, Fault::Base64);
    check("o\n1\nAAAA\n", 3, Fault::Hash);
    check("o\r\n1\nROOT\n", 1, Fault::Control);
    for origin in ["", "a\nb", "a\n", "a\tb", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="] {
        assert!(Checkpoint::new(origin, 0, [0; 32]).is_err(), "{origin:?}");
    }
}

#[test]
fn notes_have_one_form() {
    let check = |note: &[u8], line: usize, fault: Fault| {
        assert_eq!(Note::parse(note), Err(Malformed { line, fault }), "{:?}", String::from_utf8_lossy(note));
    };
    check(b"", 1, Fault::Newline);
    check(b"a\n", 2, Fault::NoSignatures);
    check(b"a\n\n", 3, Fault::NoSignatures);
    check(b"a\n\n\n", 3, Fault::Signature);
    check("a\n\n— n AAAAAAA=".as_bytes(), 3, Fault::Newline);
    check("a\n\n— n AAAAAAA=\nx\n".as_bytes(), 4, Fault::Signature);
    check("a\n\n- n AAAAAAA=\n".as_bytes(), 3, Fault::Signature);
    check("a\n\n— n AAAAAA==\n".as_bytes(), 3, Fault::Signature);
    check("a\n\n— n AAAAAAA= \n".as_bytes(), 3, Fault::Base64);
    check("a\n\n— n AAAAAAB=\n".as_bytes(), 3, Fault::Base64);
    check("a\n\n—  AAAAAAA=\n".as_bytes(), 3, Fault::Name);
    check("a\n\n— n+m AAAAAAA=\n".as_bytes(), 3, Fault::Name);
    check("a\n\n— n\u{2003}m AAAAAAA=\n".as_bytes(), 3, Fault::Name);
    check("a\nb\tc\n\n— n AAAAAAA=\n".as_bytes(), 2, Fault::Control);
    check(b"a\nb\xff\n\n", 2, Fault::Utf8);
    let many = |count: usize| format!("a\n\n{}", "— n AAAAAAA=\n".repeat(count));
    assert_eq!(Note::parse(many(100).as_bytes()).unwrap().signatures.len(), 100);
    check(many(101).as_bytes(), 103, Fault::TooManySignatures);
    assert_eq!(Note::new("a".to_owned()), Err(Malformed { line: 1, fault: Fault::Newline }));
    assert!("— n AAAAAAA=\n".parse::<Signature>().is_err());
}

#[test]
fn keys_have_one_form() {
    let check = |vkey: &str, error: KeyError| assert_eq!(vkey.parse::<VerifierKey>(), Err(error), "{vkey}");
    let cosigner = witness(2);
    assert_eq!(cosigner.to_string().parse::<VerifierKey>().unwrap(), cosigner);
    check("", KeyError::Form);
    check("example.com/foo+530d903a", KeyError::Form);
    check("example.com/foo+530d903a+", KeyError::Form);
    check(&format!("{EXAMPLE_KEY} "), KeyError::Form);
    check(&EXAMPLE_KEY.replace("530d903a", "530D903A"), KeyError::Id);
    check(&EXAMPLE_KEY.replace("530d903a", "530d903b"), KeyError::Id);
    check(&EXAMPLE_KEY.replace("foo", "fop"), KeyError::Id);
    check(&EXAMPLE_KEY.replace("foo", "f o"), KeyError::Name);
    check(&EXAMPLE_KEY.replace("example.com/foo", ""), KeyError::Name);
    check(&EXAMPLE_KEY.replace("+Aek", "+Bek"), KeyError::Algorithm(5));
    check(&EXAMPLE_KEY.replace("+Aek", "+AgAAAek"), KeyError::Algorithm(2));
    check("n+00000000+AQAA", KeyError::Point);
    // The neutral element would verify anything.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(VerifierKey::new("n", Algorithm::Ed25519, &neutral), Err(KeyError::Point));
}

fn proof(extra: &[u8]) -> Proof {
    let hashes = prove_inclusion(3, 5, node(&leaves(5))).unwrap();
    Proof { extra: extra.to_vec(), index: 3, hashes, checkpoint: signed(5) }
}

#[test]
fn a_proof_stands_alone() {
    let (log, witnesses, leaf) = ([log_key()], [witness(2), witness(3)], leaves(5)[3]);
    for extra in [b"".as_slice(), b"more"] {
        let printed = proof(extra).to_string();
        let read = Proof::parse(printed.as_bytes()).unwrap();
        assert_eq!((&read, read.to_string()), (&proof(extra), printed));
        let opened = read.verify(&leaf, ORIGIN, &log, &witnesses).unwrap();
        assert_eq!((opened.checkpoint.size(), opened.witnesses.len()), (5, 2));
    }
    let lines: Vec<String> = proof(b"more").to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 3"]);
    assert_eq!((lines[6].as_str(), lines[7].as_str()), ("", ORIGIN));

    let inclusion = |error| Err(ProofError::Inclusion(error));
    assert_eq!(proof(b"").verify(&leaves(5)[2], ORIGIN, &log, &witnesses), inclusion(TreeError::Root));
    let moved = Proof { index: 2, ..proof(b"") };
    assert_eq!(moved.verify(&leaf, ORIGIN, &log, &witnesses), inclusion(TreeError::Root));
    let outside = Proof { index: 5, ..proof(b"") };
    assert_eq!(
        outside.verify(&leaf, ORIGIN, &log, &witnesses),
        inclusion(TreeError::NoSuchLeaf { index: 5, size: 5 })
    );
    assert_eq!(
        proof(b"").verify(&leaf, ORIGIN, &[], &witnesses),
        Err(ProofError::Checkpoint(OpenError::Signature(VerifyError::Unknown)))
    );
}

#[test]
fn proofs_have_one_form() {
    let good = proof(b"more").to_string();
    let check = |from: &str, to: &str, line: usize, fault: Fault| {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        assert_eq!(Proof::parse(bad.as_bytes()), Err(Malformed { line, fault }), "{bad}");
    };
    check("@v1", "@v2", 1, Fault::Header);
    check("c2sp", "\nc2sp", 1, Fault::Header);
    check("extra bW9yZQ==", "extra ", 2, Fault::Base64);
    check("extra bW9yZQ==", "extra bW9yZQ=", 2, Fault::Base64);
    check("extra bW9yZQ==", "extra", 2, Fault::Index);
    check("extra bW9yZQ==", "extra bW9yZQ==\nextra bW9yZQ==", 3, Fault::Index);
    check("index 3", "index 03", 3, Fault::Number);
    check("index 3", "index", 3, Fault::Index);
    check("index 3\n", "index 3\nAAAA\n", 4, Fault::Hash);
    let hashes = format!("index 3\n{}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(64));
    check("index 3\n", &hashes, 68, Fault::TooManyHashes);
    check("— example", "- example", 12, Fault::Signature);
    let head = "c2sp.org/tlog-proof@v1\n\no\n\n";
    assert_eq!(Proof::parse(head.as_bytes()), Err(Malformed { line: 2, fault: Fault::Index }));
    assert_eq!(Proof::parse(b""), Err(Malformed { line: 1, fault: Fault::NoSignatures }));
}
