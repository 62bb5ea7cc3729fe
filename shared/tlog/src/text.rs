//! What the text formats have in common: strict numbers, base64, and where a text is malformed.

use data_encoding::BASE64;

use crate::tree::Hash;

/// Why a text is not of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum Fault {
    #[error("not UTF-8")]
    Utf8,
    #[error("a control character")]
    Control,
    #[error("no newline at the end")]
    Newline,
    #[error("no blank line before signatures")]
    NoSignatures,
    #[error("more than {} signatures", crate::note::MAX_SIGNATURES)]
    TooManySignatures,
    #[error("not a signature: \"— name base64\"")]
    Signature,
    #[error("not a key name: no spaces and no plus")]
    Name,
    #[error("not a whole number from 0 to 2^64 - 1 without leading zeros")]
    Number,
    #[error("not canonical base64")]
    Base64,
    #[error("not a hash of 32 bytes")]
    Hash,
    #[error("an empty line")]
    Empty,
    #[error("the line is missing")]
    Missing,
    #[error("not \"{}\"", crate::proof::HEADER)]
    Header,
    #[error("not \"index\" and a number")]
    Index,
    #[error("not \"old\" and a number")]
    Old,
    #[error("more hashes than any tree needs")]
    TooManyHashes,
}

/// A fault and its line, the first being 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

impl Fault {
    pub(crate) fn at(self, line: usize) -> Malformed {
        Malformed { line, fault: self }
    }
}

/// UTF-8 without control characters other than newline.
pub(crate) fn plain(bytes: &[u8]) -> Result<&str, Malformed> {
    let fault = |fault: Fault, offset: usize| {
        let before = bytes.iter().take(offset);
        fault.at(1 + before.filter(|byte| **byte == b'\n').count())
    };
    let text = std::str::from_utf8(bytes).map_err(|error| fault(Fault::Utf8, error.valid_up_to()))?;
    match text.find(is_control) {
        Some(offset) => Err(fault(Fault::Control, offset)),
        None => Ok(text),
    }
}

pub(crate) fn is_control(c: char) -> bool {
    c < ' ' && c != '\n'
}

pub(crate) fn number(text: &str) -> Result<u64, Fault> {
    let number: u64 = text.parse().map_err(|_| Fault::Number)?;
    // "+7" and "07" are read by the standard library too.
    if number.to_string() == text { Ok(number) } else { Err(Fault::Number) }
}

pub(crate) fn base64(text: &str) -> Result<Vec<u8>, Fault> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| Fault::Base64)?;
    // The decoder also takes several encodings in a row, each with its padding.
    if BASE64.encode(&bytes) == text { Ok(bytes) } else { Err(Fault::Base64) }
}

pub(crate) fn hash(text: &str) -> Result<Hash, Fault> {
    base64(text)?.try_into().map_err(|_| Fault::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_form() {
        assert_eq!(base64("AQID"), Ok(vec![1, 2, 3]));
        for other in ["AQ==AQ==", "AQ=AQID", "AR==", "AQ", "AQ==\n", "-_8="] {
            assert_eq!(base64(other), Err(Fault::Base64), "{other:?}");
        }
    }
}
