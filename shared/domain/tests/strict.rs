//! Strict JSON: what is refused and where, and that what is taken has exactly one canonical form.

#![allow(clippy::expect_used, reason = "a test may panic")]

use countersign_domain::canonical::jcs;
use countersign_domain::refusal::Code;
use countersign_domain::strict::{Limits, Reason, parse};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

const LIMITS: Limits = Limits::ARGUMENTS;

fn check_refused(text: impl AsRef<[u8]>, pointer: &str, reason: Reason) {
    let text = text.as_ref();
    let refusal = parse(text, LIMITS).expect_err(&String::from_utf8_lossy(text));
    assert_eq!(
        (refusal.pointer.as_str(), refusal.reason),
        (pointer, reason),
        "{}",
        String::from_utf8_lossy(text)
    );
}

fn check_taken(text: &str, canonical: &str) {
    let value = parse(text.as_bytes(), LIMITS).expect(text);
    assert_eq!(String::from_utf8(jcs(&value)).expect("UTF-8"), canonical, "{text}");
}

#[test]
fn what_is_not_exact_is_refused_with_its_place() {
    use Reason::{DuplicateKey, InexactNumber, IntegerOutOfRange, LoneSurrogate, ReservedKey};
    check_refused(r#"{"a":1,"a":1}"#, "/a", DuplicateKey);
    check_refused(r#"{"a":[{"b":1,"\u0062":2}]}"#, "/a/0/b", DuplicateKey);
    check_refused(r#"{"x/y~z":{"":1,"":2}}"#, "/x~1y~0z/", DuplicateKey);
    check_refused(
        r#"{"$serde_json::private::RawValue":"[1]"}"#,
        "/$serde_json::private::RawValue",
        ReservedKey,
    );
    check_refused("[0,9007199254740992]", "/1", IntegerOutOfRange);
    check_refused("[0,-9007199254740993]", "/1", IntegerOutOfRange);
    check_refused("9007199254740993.0", "", IntegerOutOfRange);
    check_refused("900719925474099300e-2", "", IntegerOutOfRange);
    check_refused("18446744073709551616", "", IntegerOutOfRange);
    check_refused("1e400", "", IntegerOutOfRange);
    check_refused("1e20", "", IntegerOutOfRange);
    check_refused("-1e99999999999999999999999", "", IntegerOutOfRange);
    check_refused(r#"{"n":0.1000000000000000055511151231257827}"#, "/n", InexactNumber);
    check_refused("0.10000000000000001", "", InexactNumber);
    check_refused("9007199254740992.5", "", InexactNumber);
    check_refused("4503599627370496.25", "", InexactNumber);
    check_refused("1e-400", "", InexactNumber);
    check_refused("1e-99999999999999999999999", "", InexactNumber);
    check_refused("4e-324", "", InexactNumber);
    check_refused(format!("{}.5", "9".repeat(400)), "", InexactNumber);
    check_refused(r#"{"s":["\ud83d"]}"#, "/s/0", LoneSurrogate);
    check_refused(r#"["\ud83dx"]"#, "/0", LoneSurrogate);
    check_refused(r#"["\ude00\ud83d"]"#, "/0", LoneSurrogate);
    check_refused(r#"["\ud83d\ud83d"]"#, "/0", LoneSurrogate);
    check_refused(r#"["\ud83d\n"]"#, "/0", LoneSurrogate);
    check_refused(r#"{"o":{"\ud83d":1}}"#, "/o", LoneSurrogate);
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    fn check(text: impl AsRef<[u8]>, pointer: &str, at: usize, expected: &'static str) {
        check_refused(text, pointer, Reason::Syntax { at, expected });
    }
    check("", "", 0, "a JSON value");
    check("  ", "", 2, "a JSON value");
    check("nul", "", 0, "null");
    check("NaN", "", 0, "a JSON value");
    check("-", "", 1, "a digit");
    check("-Infinity", "", 1, "a digit");
    check("+1", "", 0, "a JSON value");
    check(".5", "", 0, "a JSON value");
    check("1.", "", 2, "a digit");
    check("1e+", "", 3, "a digit");
    check(r#"{"a":[1,]}"#, "/a/1", 8, "a JSON value");
    check(r#"{"a":[1 2]}"#, "/a", 8, "a comma or a closing bracket");
    check(r#"{"a":1,}"#, "", 7, "a key in double quotes");
    check(r#"{"a" 1}"#, "/a", 5, "a colon");
    check(r#"{"a":1 "b":2}"#, "", 7, "a comma or a closing brace");
    check("{'a':1}", "", 1, "a key in double quotes");
    check("[\"é\\x\"]", "/0", 5, "one of \" \\ / b f n r t u");
    check("[\"\\é\"]", "/0", 3, "one of \" \\ / b f n r t u");
    check(r#"["\u12é4"]"#, "/0", 6, "a hex digit");
    check(r#"["\ud83d\u00"]"#, "/0", 12, "a hex digit");
    check("[\"a\nb\"]", "/0", 3, "an escape, not a control character");
    check(r#"["abc"#, "/0", 5, "a closing double quote");
    check("[", "/0", 1, "a JSON value");
    check("// no\n1", "", 0, "a JSON value");

    check_refused("01", "", Reason::TrailingData { at: 1 });
    check_refused("{} {}", "", Reason::TrailingData { at: 3 });
    check_refused("1\u{a0}", "", Reason::TrailingData { at: 1 });
    check_refused("\u{feff}{}", "", Reason::ByteOrderMark);
    check_refused(b"[\"\xff\"]", "", Reason::NotUtf8 { at: 2 });
    check_refused(b"[\"\xed\xa0\xbd\"]", "", Reason::NotUtf8 { at: 2 });
    check_refused(b"\xff\xfe[\0]\0", "", Reason::NotUtf8 { at: 0 });
}

#[test]
fn size_and_depth_have_limits_and_no_depth_overflows_the_stack() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(32).as_bytes(), LIMITS).is_ok());
    check_refused(nested(33), &"/0".repeat(32), Reason::TooDeep { max: 32 });
    check_refused("[".repeat(60_000), &"/0".repeat(32), Reason::TooDeep { max: 32 });
    check_refused(r#"{"a":"#.repeat(10_000), &"/a".repeat(32), Reason::TooDeep { max: 32 });

    let flat = Limits { max_bytes: usize::MAX, max_depth: 0 };
    assert!(parse(b"1", flat).is_ok());
    assert_eq!(parse(b"{}", flat).expect_err("deep").reason, Reason::TooDeep { max: 0 });
    let deepest = Limits { max_bytes: usize::MAX, max_depth: u8::MAX };
    assert!(parse(nested(255).as_bytes(), deepest).is_ok());
    assert!(parse(nested(256).as_bytes(), deepest).is_err());
    assert!(parse(nested(1_000_000).as_bytes(), deepest).is_err());

    let string = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    assert!(parse(string(64 * 1024).as_bytes(), LIMITS).is_ok());
    check_refused(string(64 * 1024 + 1), "", Reason::TooLarge { max: 65_536 });
}

#[test]
fn a_refusal_says_where_what_and_how_to_mend_and_shows_no_value() {
    fn check(text: &str, message: &str, code: Code) {
        let refusal = parse(text.as_bytes(), Limits { max_bytes: 50, max_depth: 2 }).expect_err(text);
        assert_eq!((refusal.to_string().as_str(), refusal.code()), (message, code));
    }
    check(
        r#"{"size":12345678901234567890}"#,
        "/size: an integer beyond ±9007199254740991; write it as a string",
        Code::ArgumentsNotCanonical,
    );
    check(r#"{"a":1,"a":2}"#, "/a: this key stands there twice; keep one", Code::ArgumentsNotCanonical);
    check("[[[]]]", "/0/0: nested more than 2 deep; flatten it", Code::ArgumentsNotCanonical);
    check(
        "[1",
        "the whole text: not JSON at byte 2; write a comma or a closing bracket there",
        Code::InvalidRequest,
    );
    check(
        &" ".repeat(51),
        "the whole text: more than 50 bytes; pass a reference to the data instead of the data",
        Code::PayloadTooLarge,
    );
}

#[test]
fn what_is_exact_is_taken_whatever_its_notation() {
    check_taken("9007199254740991", "9007199254740991");
    check_taken("-9007199254740991.000", "-9007199254740991");
    check_taken("1.0", "1");
    check_taken("10e-1", "1");
    check_taken("0.00012E+4", "1.2");
    check_taken("1e15", "1000000000000000");
    check_taken("-0", "0");
    check_taken("-0.0e5", "0");
    check_taken("0e99999999999999999999999", "0");
    check_taken("0.1", "0.1");
    check_taken("1.10", "1.1");
    check_taken("5e-324", "5e-324");
    check_taken("2.2250738585072014e-308", "2.2250738585072014e-308");
    check_taken("4503599627370495.5", "4503599627370495.5");
    check_taken(&format!("0.{}1e100", "0".repeat(99)), "1");
    check_taken(" [ true , false , null ] ", "[true,false,null]");
    check_taken("{\"b\":{},\"a\":[]}", r#"{"a":[],"b":{}}"#);
    check_taken(r#""\ud83d\ude00\u0000\/\b""#, "\"😀\\u0000/\\b\"");
    check_taken("\"\u{7f}\u{2028}\"", "\"\u{7f}\u{2028}\"");
}

/// Values that have one exact form, as [`parse`] writes them.
fn exact_value() -> impl Strategy<Value = Value> {
    let double = any::<f64>().prop_filter_map("an integer", |d| {
        let d = if d.abs() < 1e15 { d } else { 1.0 / d };
        (d.fract() != 0.0).then(|| json!(d))
    });
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        (-1e6..1e6_f64).prop_filter("an integer", |d| d.fract() != 0.0).prop_map(Value::from),
        double,
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// n / 10^20, in one of many notations.
fn written(n: i128, zeros: usize, shift: i64, e: &str) -> String {
    let sign = if n < 0 { "-" } else { "" };
    let digits = format!("{:0>21}{}", n.unsigned_abs(), "0".repeat(zeros));
    let point = digits.len() - zeros - 20;
    let moved = (point as i64 + shift).clamp(1, digits.len() as i64 - 1);
    let (whole, fraction) = digits.split_at(moved as usize);
    let whole = whole.trim_start_matches('0');
    format!("{sign}{}.{fraction}{e}{}", if whole.is_empty() { "0" } else { whole }, point as i64 - moved)
}

fn notation() -> impl Strategy<Value = (usize, i64, &'static str)> {
    (0_usize..4, -30_i64..30, prop_oneof![Just("e"), Just("E")])
}

/// Integers n such that n / 10^20 is near what doubles hold: small ones, short ones, and halves of 2^53.
fn scaled() -> impl Strategy<Value = i128> {
    prop_oneof![
        -10_i128.pow(22)..10_i128.pow(22),
        (-1_000_000_i128..1_000_000).prop_map(|n| n * 10_i128.pow(16)),
        any::<f32>().prop_map(|f| (f64::from(f) * 1e20) as i128 % 10_i128.pow(36)),
        (-1000_i128..1000).prop_map(|n| (1_i128 << 53) * 10_i128.pow(20) + n * 5 * 10_i128.pow(19)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn the_canonical_form_parses_to_the_value(value in exact_value()) {
        let canonical = jcs(&value);
        let limits = Limits { max_bytes: usize::MAX, ..LIMITS };
        prop_assert_eq!(parse(&canonical, limits), Ok(value.clone()));
        prop_assert_eq!(parse(&serde_json::to_vec_pretty(&value)?, limits), Ok(value));
        // Others read it back with serde_json: it must see the same doubles.
        prop_assert_eq!(jcs(&serde_json::from_slice(&canonical)?), canonical);
    }

    #[test]
    fn one_canonical_form_is_one_number(
        a in scaled(), delta in -40_i128..40, power in 0_u32..20, x in notation(), y in notation(),
    ) {
        let b = a + delta * 10_i128.pow(power);
        let (first, second) = (written(a, x.0, x.1, x.2), written(b, y.0, y.1, y.2));
        let (v, w) = (parse(first.as_bytes(), LIMITS), parse(second.as_bytes(), LIMITS));
        if let (Ok(v), Ok(w)) = (&v, &w) {
            prop_assert_eq!(jcs(v) == jcs(w), a == b, "{} {}", first, second);
        }
        if a == b {
            prop_assert_eq!(&v, &w, "{} {}", first, second);
        }
        if let Ok(v) = v {
            prop_assert_eq!(parse(&jcs(&v), LIMITS), Ok(v));
        }
    }

    #[test]
    fn the_grammar_is_that_of_serde_json(
        value in exact_value(), cuts in vec((any::<prop::sample::Index>(), "[\\[\\]{}\",:\\\\u0-9a-fE.+\\-\n\\x00 é]{0,2}"), 1..4),
    ) {
        let mut text = value.to_string();
        for (index, insert) in cuts {
            let at = text.char_indices().map(|(i, _)| i).nth(index.index(text.chars().count().max(1))).unwrap_or(0);
            let after = if insert.is_empty() { text[at..].chars().next().map_or(0, char::len_utf8) } else { 0 };
            text.replace_range(at..at + after, &insert);
        }
        match (parse(text.as_bytes(), LIMITS), serde_json::from_str::<Value>(&text)) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(jcs(&ours), jcs(&theirs), "{}", text),
            (Ok(_), Err(e)) => prop_assert!(false, "taken, but serde_json says {}: {}", e, text),
            (Err(e), Ok(_)) => prop_assert_eq!(e.code(), Code::ArgumentsNotCanonical, "{}", text),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in vec(any::<u8>(), 0..60)) {
        let _ = parse(&bytes, LIMITS);
    }
}
