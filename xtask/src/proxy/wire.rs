//! HTTP/1.1 on a byte stream: where a message begins and ends. Bytes are kept as they came; nothing
//! is normalised.

use std::io::{self, BufRead, Read, Write};

/// Longest head that is read.
const HEAD_LIMIT: usize = 256 * 1024;
/// Longest request body that is held in memory to be looked at.
pub(crate) const BODY_LIMIT: u64 = 64 * 1024 * 1024;
const MAX_HEADERS: usize = 128;

/// The first lines of a message, up to and with the empty line.
pub(crate) struct Head {
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// Request method, or empty for a response.
    pub method: String,
    /// Request target with its query, or empty for a response.
    pub path: String,
    /// Response status, or 0 for a request.
    pub status: u16,
    /// HTTP/1.0 closes after each message.
    pub http10: bool,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header; names are compared without case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Whether a comma-separated header holds this word.
    pub(crate) fn has_word(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|v| v.split(',').any(|w| w.trim().eq_ignore_ascii_case(word)))
    }

    /// Whether the sender wants the connection closed after this message.
    pub(crate) fn closes(&self) -> bool {
        self.has_word("connection", "close") || (self.http10 && !self.has_word("connection", "keep-alive"))
    }

    /// The same bytes without one header line.
    pub(crate) fn without(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len());
        for line in self.raw.split_inclusive(|b| *b == b'\n') {
            let field = line.split(|b| *b == b':').next().unwrap_or_default();
            if !field.eq_ignore_ascii_case(name.as_bytes()) {
                out.extend_from_slice(line);
            }
        }
        out
    }
}

/// How the end of a body is known.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Framing {
    /// There is none.
    Nothing,
    /// So many bytes.
    Length(u64),
    /// Chunks, and a last one of length 0.
    Chunked,
    /// Until the connection closes (responses only).
    ToEnd,
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Reads the bytes of a head. `None` when the peer closed before the first byte.
fn read_raw_head(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut raw = Vec::new();
    loop {
        let left = (HEAD_LIMIT - raw.len()) as u64;
        let before = raw.len();
        reader.by_ref().take(left).read_until(b'\n', &mut raw)?;
        let line = &raw[before..];
        if line.is_empty() && before == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            return Err(invalid("the head of the message is cut off or too long"));
        }
        if line == b"\r\n" || line == b"\n" {
            if before == 0 {
                raw.clear(); // an empty line before a message is allowed and dropped
                continue;
            }
            return Ok(Some(raw));
        }
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    headers.iter().map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned())).collect()
}

/// Reads the head of a request. `None` when the peer has closed.
pub(crate) fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let Some(raw) = read_raw_head(reader)? else { return Ok(None) };
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&raw).map_err(|e| invalid(&format!("not an HTTP request: {e}")))?;
    let method = parsed.method.unwrap_or_default().to_owned();
    let path = parsed.path.unwrap_or_default().to_owned();
    let http10 = parsed.version == Some(0);
    let headers = owned(parsed.headers);
    Ok(Some(Head { raw, method, path, status: 0, http10, headers }))
}

/// Reads the head of a response. `None` when the peer has closed.
pub(crate) fn read_response(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let Some(raw) = read_raw_head(reader)? else { return Ok(None) };
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    parsed.parse(&raw).map_err(|e| invalid(&format!("not an HTTP response: {e}")))?;
    let status = parsed.code.unwrap_or_default();
    let http10 = parsed.version == Some(0);
    let headers = owned(parsed.headers);
    Ok(Some(Head { raw, method: String::new(), path: String::new(), status, http10, headers }))
}

fn declared(head: &Head) -> io::Result<Option<Framing>> {
    let chunked = head.has_word("transfer-encoding", "chunked");
    match head.header("content-length") {
        Some(_) if chunked => Err(invalid("both Content-Length and Transfer-Encoding")),
        Some(text) => {
            let length = text.trim().parse().map_err(|_| invalid("Content-Length is not a number"))?;
            Ok(Some(Framing::Length(length)))
        }
        None => Ok(chunked.then_some(Framing::Chunked)),
    }
}

/// How a request's body ends.
pub(crate) fn request_framing(head: &Head) -> io::Result<Framing> {
    Ok(declared(head)?.unwrap_or(Framing::Nothing))
}

/// How a response's body ends; `method` is that of its request.
pub(crate) fn response_framing(head: &Head, method: &str) -> io::Result<Framing> {
    let none = method == "HEAD" || head.status == 204 || head.status == 304 || head.status < 200;
    if none { Ok(Framing::Nothing) } else { Ok(declared(head)?.unwrap_or(Framing::ToEnd)) }
}

/// A whole body in memory.
#[derive(Default)]
pub(crate) struct Body {
    /// The bytes as they came, chunk sizes included.
    pub raw: Vec<u8>,
    /// The content alone.
    pub content: Vec<u8>,
}

/// Reads a whole body of at most [`BODY_LIMIT`] bytes.
pub(crate) fn read_body(framing: Framing, reader: &mut impl BufRead) -> io::Result<Body> {
    let mut body = Body::default();
    pass_body(framing, reader, &mut |piece, content| {
        if (body.raw.len() + piece.len()) as u64 > BODY_LIMIT {
            return Err(invalid("the body is longer than 64 MiB"));
        }
        body.raw.extend_from_slice(piece);
        if content {
            body.content.extend_from_slice(piece);
        }
        Ok(())
    })?;
    Ok(body)
}

/// Hands a body on piece by piece as it arrives, and flushes after each.
pub(crate) fn copy_body(framing: Framing, reader: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    pass_body(framing, reader, &mut |piece, _| {
        to.write_all(piece)?;
        to.flush()
    })
}

/// Calls `each(bytes, is_content)` for every piece of the body.
fn pass_body(
    framing: Framing,
    reader: &mut impl BufRead,
    each: &mut dyn FnMut(&[u8], bool) -> io::Result<()>,
) -> io::Result<()> {
    match framing {
        Framing::Nothing => Ok(()),
        Framing::Length(length) => pass_bytes(reader, Some(length), each),
        Framing::ToEnd => pass_bytes(reader, None, each),
        Framing::Chunked => pass_chunks(reader, each),
    }
}

fn pass_bytes(
    reader: &mut impl BufRead,
    length: Option<u64>,
    each: &mut dyn FnMut(&[u8], bool) -> io::Result<()>,
) -> io::Result<()> {
    let mut left = length.unwrap_or(u64::MAX);
    while left > 0 {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return if length.is_none() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let take = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        each(&piece[..take], true)?;
        reader.consume(take);
        left -= take as u64;
    }
    Ok(())
}

fn pass_chunks(
    reader: &mut impl BufRead,
    each: &mut dyn FnMut(&[u8], bool) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let line = read_line(reader)?;
        each(&line, false)?;
        let text = std::str::from_utf8(&line).map_err(|_| invalid("a chunk's size is not text"))?;
        let digits = text.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| invalid("a chunk's size is not a number"))?;
        if size > 0 {
            pass_bytes(reader, Some(size), each)?;
            each(&read_line(reader)?, false)?;
            continue;
        }
        loop {
            let trailer = read_line(reader)?; // trailers, and the empty line that ends them
            each(&trailer, false)?;
            if trailer == b"\r\n" || trailer == b"\n" {
                return Ok(());
            }
        }
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.by_ref().take(HEAD_LIMIT as u64).read_until(b'\n', &mut line)?;
    if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
