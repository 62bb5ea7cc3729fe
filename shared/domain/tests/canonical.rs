//! The canonical form against RFC 8785's own vectors, and digests against ones computed elsewhere.

#![allow(clippy::expect_used, reason = "a test may panic")]

use countersign_domain::canonical::{Action, Digest, Nonce, jcs};
use countersign_domain::ids::AgentId;
use countersign_domain::strict::{Limits, parse};
use serde_json::{Value, json};

fn check(value: &Value, canonical: &str) {
    assert_eq!(String::from_utf8_lossy(&jcs(value)), canonical);
}

/// RFC 8785, appendix B: the bits of a double and its form.
#[test]
fn numbers_are_written_as_the_rfc_shows() {
    for (bits, expected) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        check(&json!(f64::from_bits(bits)), expected);
    }
}

/// RFC 8785 §3.2.2, with numbers that strict parsing takes, and §3.2.3.
#[test]
fn objects_are_written_as_the_rfc_shows() {
    let text = r#"{
        "numbers": [333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let refusal = parse(text.as_bytes(), Limits::ARGUMENTS).expect_err("the RFC rounds its first number");
    assert_eq!(refusal.pointer, "/numbers/0");
    let exact = text.replace("333333333.33333329", "333333333.3333333");
    check(
        &parse(exact.as_bytes(), Limits::ARGUMENTS).expect("exact"),
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
    );

    // By UTF-16 code units: the emoji, a surrogate pair, stands before U+FB33.
    let sorted = r#"{
        "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }"#;
    check(
        &parse(sorted.as_bytes(), Limits::ARGUMENTS).expect("exact"),
        concat!(
            r#"{"\r":"Carriage Return","1":"One",""#,
            "\u{80}",
            r#"":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","#,
            r#""😀":"Emoji: Grinning Face",""#,
            "\u{fb33}",
            r#"":"Hebrew Letter Dalet With Dagesh"}"#,
        ),
    );
}

/// Expected values by Python's hashlib over the canonical text, written by hand.
#[test]
fn digests_are_what_another_program_computes() {
    let arguments = json!({"prefix": "data/€", "limit": 0.5, "dry_run": false});
    let Value::Object(arguments) = arguments else { panic!("an object") };
    let action = Action { action: "s3.sync".into(), target: "arn:aws:s3:::reports".into(), arguments };
    let agent: AgentId = "agt_abcdefghijklmnopqrstuvwxy2".parse().expect("an agent id");
    let nonce = Nonce::new(std::array::from_fn(|i| i as u8));
    assert_eq!(
        action.digest(&agent, &nonce).as_str(),
        "sha256:6db85a10a89725d7250de2ae3d8734ecebfc0e91966d8c17800f42768f60cab1"
    );
    assert_eq!(
        action.ask_hash(&agent).as_str(),
        "sha256:7691d61e164e4fd569782dd5dbcc3fb12c281e44b5fee83b3820902a390bcce5"
    );
    assert_eq!(
        Digest::of(b"").as_str(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(AgentId::of("role", "123456789012", "deploy").as_str(), "agt_wdcitpd6kozp2n4jneytiucngd");
}
