//! Strict JSON: a text is taken only if its RFC 8785 (JCS) form says exactly what was sent.
//!
//! JCS maps some texts silently: of two equal keys one is lost, 9007199254740993 becomes …992. Two different asks
//! would then have one digest, so such texts are refused here, with the place. It knows no fields: what a body
//! must hold is the caller's.
//!
//! Written by hand because serde_json shows the text of a number only under crate features that change how it reads
//! everybody else's values.

use serde_json::{Map, Number, Value};

use crate::refusal::Code;

mod number;

pub use number::MAX_INTEGER;
use number::exact;

/// Keys that serde_json gives a meaning of its own under some crate features: read back by such a program, an object
/// with one is another value.
const RESERVED: &str = "$serde_json::private::";

/// How much is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in bytes.
    pub max_bytes: usize,
    /// The deepest nesting: how many arrays and objects may enclose each other. 0 = none.
    pub max_depth: u8,
}

impl Limits {
    /// What an action's arguments may be: 64 KiB, 32 deep. A body around them is one deeper.
    pub const ARGUMENTS: Limits = Limits { max_bytes: 64 * 1024, max_depth: 32 };
}

/// Why a text is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", place(.pointer))]
pub struct NotCanonical {
    /// The place as a JSON pointer (RFC 6901); empty = the whole text.
    pub pointer: String,
    /// What is wrong there.
    pub reason: Reason,
}

impl NotCanonical {
    /// The stable code of this refusal.
    pub fn code(&self) -> Code {
        match self.reason {
            Reason::TooLarge { .. } => Code::PayloadTooLarge,
            Reason::ByteOrderMark
            | Reason::NotUtf8 { .. }
            | Reason::Syntax { .. }
            | Reason::TrailingData { .. } => Code::InvalidRequest,
            Reason::TooDeep { .. }
            | Reason::DuplicateKey
            | Reason::ReservedKey
            | Reason::LoneSurrogate
            | Reason::IntegerOutOfRange
            | Reason::InexactNumber => Code::ArgumentsNotCanonical,
        }
    }
}

/// What is wrong, and how to mend it. Never shows the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// More bytes than allowed.
    #[error("more than {max} bytes; pass a reference to the data instead of the data")]
    TooLarge {
        /// The most allowed.
        max: usize,
    },
    /// Deeper than allowed.
    #[error("nested more than {max} deep; flatten it")]
    TooDeep {
        /// The most allowed.
        max: u8,
    },
    /// U+FEFF in front.
    #[error("begins with a byte order mark; send UTF-8 without one")]
    ByteOrderMark,
    /// Not UTF-8.
    #[error("byte {at} is not UTF-8; send UTF-8")]
    NotUtf8 {
        /// Offset of the first wrong byte.
        at: usize,
    },
    /// Not JSON.
    #[error("not JSON at byte {at}; write {expected} there")]
    Syntax {
        /// Offset of the first byte that does not fit.
        at: usize,
        /// What may stand there.
        expected: &'static str,
    },
    /// Something after the value.
    #[error("more text after the value, at byte {at}; send one JSON value")]
    TrailingData {
        /// Offset of the first byte after the value.
        at: usize,
    },
    /// A key for the second time; the pointer names it.
    #[error("this key stands there twice; keep one")]
    DuplicateKey,
    /// A key that some readers give a meaning of their own.
    #[error("keys that begin with {RESERVED} are reserved; rename it")]
    ReservedKey,
    /// Half of a surrogate pair; in a key, the pointer names its object.
    #[error("a \\u escape is half of a surrogate pair; write both halves or the character itself")]
    LoneSurrogate,
    /// Beyond ±(2^53 − 1).
    #[error("an integer beyond ±{MAX_INTEGER}; write it as a string")]
    IntegerOutOfRange,
    /// A number that would be rounded.
    #[error("a number that no double holds exactly as written; write fewer digits, or write it as a string")]
    InexactNumber,
}

/// The value of a JSON text (RFC 8259) whose canonical form is exactly what was sent.
///
/// Numbers come out in one form: what is mathematically an integer as an integer (1.0 and 10e-1 as 1, -0 as 0),
/// else as a double. So `parse(jcs(v)) == v` for each value this returns.
///
/// # Errors
/// [`NotCanonical`], for the first place that is at fault.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Value, NotCanonical> {
    let whole = |reason| NotCanonical { pointer: String::new(), reason };
    if bytes.len() > limits.max_bytes {
        return Err(whole(Reason::TooLarge { max: limits.max_bytes }));
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return Err(whole(Reason::ByteOrderMark));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| whole(Reason::NotUtf8 { at: e.valid_up_to() }))?;
    let mut reader = Reader { text, at: 0, path: Vec::new(), max_depth: limits.max_depth };
    let value =
        reader.document().map_err(|reason| NotCanonical { pointer: pointer(&reader.path), reason })?;
    Ok(value)
}

enum Step {
    Key(String),
    Index(usize),
}

fn pointer(path: &[Step]) -> String {
    path.iter()
        .map(|step| match step {
            Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => format!("/{index}"),
        })
        .collect()
}

fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the whole text" } else { pointer }
}

/// A cursor over the text. `at` is always on a character boundary; on an error `path` stays where it happened.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    path: Vec<Step>,
    max_depth: u8,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, Reason> {
        let value = self.value(0)?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(Reason::TrailingData { at: self.at });
        }
        Ok(value)
    }

    /// Recursive, but never deeper than `max_depth`.
    fn value(&mut self, depth: u8) -> Result<Value, Reason> {
        self.skip_space();
        match self.peek() {
            Some(b'{' | b'[') if depth >= self.max_depth => Err(Reason::TooDeep { max: self.max_depth }),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.expected("a JSON value")),
        }
    }

    fn object(&mut self, depth: u8) -> Result<Value, Reason> {
        let mut members = Map::new();
        self.at += 1;
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let key = self.string()?;
            self.path.push(Step::Key(key.clone()));
            if members.contains_key(&key) {
                return Err(Reason::DuplicateKey);
            }
            if key.starts_with(RESERVED) {
                return Err(Reason::ReservedKey);
            }
            self.skip_space();
            if !self.take(b':') {
                return Err(self.expected("a colon"));
            }
            let value = self.value(depth)?;
            members.insert(key, value);
            self.path.pop();
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.expected("a comma or a closing brace"));
            }
        }
    }

    fn array(&mut self, depth: u8) -> Result<Value, Reason> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.path.push(Step::Index(items.len()));
            items.push(self.value(depth)?);
            self.path.pop();
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.expected("a comma or a closing bracket"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Reason> {
        let mut string = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| matches!(c, '"' | '\\' | '\0'..='\x1f')).unwrap_or(rest.len());
            string.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => return Err(self.expected("an escape, not a control character")),
                None => return Err(self.expected("a closing double quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Reason> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'u') => return self.escaped_unicode(),
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.expected("one of \" \\ / b f n r t u")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn escaped_unicode(&mut self) -> Result<char, Reason> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 1;
                match self.hex4()? {
                    second @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return Err(Reason::LoneSurrogate),
                }
            }
            other => other,
        };
        char::from_u32(code).ok_or(Reason::LoneSurrogate)
    }

    /// The `u` under the cursor and its four digits.
    fn hex4(&mut self) -> Result<u32, Reason> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.expected("a hex digit"))?;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Number, Reason> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        exact(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), Reason> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.expected("a digit"));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, Reason> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.expected(word));
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, expected: &'static str) -> Reason {
        Reason::Syntax { at: self.at, expected }
    }
}
