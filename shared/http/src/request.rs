//! One HTTP call as API Gateway hands it over (payload 2.0), taken apart.
//!
//! Whoever may invoke the function writes the event, so nothing in it is taken for granted: a field that is absent
//! or of another kind is a [`Problem`], never a panic. What the authorizer block says is judged by
//! [`crate::principal`], not here.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// A call: method, path, query, headers and body, and what API Gateway says of the caller.
#[derive(Clone, PartialEq)]
pub struct HttpRequest {
    /// The method, upper case.
    pub method: String,
    /// The path's segments, percent-decoded; `/` has none, a trailing slash leaves an empty last one.
    pub segments: Vec<String>,
    /// The body's bytes, base64 decoded; empty when there is none.
    pub body: Vec<u8>,
    /// API Gateway's id of the call, for the log.
    pub request_id: Option<String>,
    /// Who API Gateway says is calling.
    pub authorizer: Authorizer,
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
}

/// The authorizer block of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorizer {
    /// There is none.
    Absent,
    /// A SigV4-signed call.
    Iam(IamCaller),
    /// API Gateway checked a JWT. Its claims are not read: the function that needs them checks the token itself.
    Jwt,
    /// Of no form we know, or more than one at a time.
    Unreadable,
}

/// The caller of a SigV4-signed call, as API Gateway names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamCaller {
    /// `requestContext.authorizer.iam.accountId`.
    pub account_id: String,
    /// `requestContext.authorizer.iam.callerId`, e.g. `AROA…:session`.
    pub caller_id: String,
    /// `requestContext.authorizer.iam.userArn`.
    pub user_arn: String,
}

impl HttpRequest {
    /// The call that an event holds.
    ///
    /// # Errors
    /// `invalid_request`, naming the part of the event or of the URL that is not as it should be.
    pub fn from_event(event: &Value) -> Result<Self, Problem> {
        let event = event.as_object().ok_or_else(|| not_an_event("it is not an object"))?;
        let context = event.get("requestContext").and_then(Value::as_object);
        let context = context.ok_or_else(|| not_an_event("requestContext is missing"))?;
        let method = context.get("http").and_then(|http| http.get("method")).and_then(Value::as_str);
        let path = event.get("rawPath").and_then(Value::as_str);
        let stage = context.get("stage").and_then(Value::as_str);
        Ok(Self {
            method: method_of(method.ok_or_else(|| not_an_event("requestContext.http.method is missing"))?)?,
            segments: segments(path.ok_or_else(|| not_an_event("rawPath is missing"))?, stage)?,
            body: body(event)?,
            request_id: context
                .get("requestId")
                .and_then(Value::as_str)
                .filter(|id| is_log_id(id))
                .map(Into::into),
            authorizer: authorizer(context.get("authorizer")),
            headers: headers(event.get("headers"))?,
            query: query(event.get("rawQueryString"))?,
        })
    }

    /// A header's value; several are joined by a comma. `name` is lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The decoded query parameters by name.
    pub fn query(&self) -> &BTreeMap<String, String> {
        &self.query
    }

    /// The segments as `match` takes them.
    pub fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }
}

/// Headers and body hold tokens and arguments, so they do not go into a log by accident.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("segments", &self.segments)
            .field("body_bytes", &self.body.len())
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

fn not_an_event(why: &str) -> Problem {
    Problem::invalid(format!("this is not an event of an HTTP API (payload 2.0): {why}"))
}

fn method_of(method: &str) -> Result<String, Problem> {
    let token = (1..=16).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_alphabetic());
    if token { Ok(method.to_ascii_uppercase()) } else { Err(not_an_event("the method is not a word")) }
}

fn is_log_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='))
}

/// Splits before it decodes, so that an encoded slash cannot make a segment.
fn segments(path: &str, stage: Option<&str>) -> Result<Vec<String>, Problem> {
    let rest = path.strip_prefix('/').ok_or_else(|| not_an_event("rawPath does not begin with /"))?;
    // A named stage stands in front of the path; the default stage does not.
    let rest = match stage.filter(|s| !s.is_empty() && *s != "$default").and_then(|s| rest.strip_prefix(s)) {
        Some("") => "",
        Some(inner) => inner.strip_prefix('/').unwrap_or(rest),
        None => rest,
    };
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    rest.split('/')
        .map(|raw| {
            let segment = percent_decode(raw, false).ok_or_else(|| bad_url("the path"))?;
            let safe = segment != "." && segment != ".." && !segment.contains(['/', '\\']);
            if safe { Ok(segment) } else { Err(bad_url("the path")) }
        })
        .collect()
}

fn query(raw: Option<&Value>) -> Result<BTreeMap<String, String>, Problem> {
    let raw = match raw {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::String(raw)) => raw,
        Some(_) => return Err(not_an_event("rawQueryString is not a string")),
    };
    let mut query = BTreeMap::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode(name, true).ok_or_else(|| bad_url("the query"))?;
        let value = percent_decode(value, true).ok_or_else(|| bad_url("the query"))?;
        if query.insert(name.clone(), value).is_some() {
            return Err(Problem::invalid(format!(
                "the query parameter {:?} stands twice: send it once",
                cut(&name)
            )));
        }
    }
    Ok(query)
}

fn bad_url(part: &str) -> Problem {
    Problem::invalid(format!(
        "{part} of the URL is not properly percent-encoded UTF-8, or holds control characters or dot segments"
    ))
}

/// `None` for a broken escape, for what is not UTF-8, and for control characters.
fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok().filter(|decoded| !decoded.chars().any(char::is_control))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn headers(given: Option<&Value>) -> Result<BTreeMap<String, String>, Problem> {
    let given = match given {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(not_an_event("headers is not an object")),
    };
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in given {
        let value = value.as_str().ok_or_else(|| not_an_event("a header is not a string"))?;
        let joined = headers.entry(name.to_ascii_lowercase()).or_default();
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(value);
    }
    Ok(headers)
}

fn body(event: &Map<String, Value>) -> Result<Vec<u8>, Problem> {
    let text = match event.get("body") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) => text,
        Some(_) => return Err(not_an_event("body is not a string")),
    };
    match event.get("isBase64Encoded") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(text.clone().into_bytes()),
        Some(Value::Bool(true)) => {
            STANDARD.decode(text).map_err(|_| not_an_event("body is not base64 as flagged"))
        }
        Some(_) => Err(not_an_event("isBase64Encoded is not true or false")),
    }
}

fn authorizer(block: Option<&Value>) -> Authorizer {
    let block = match block {
        None | Some(Value::Null) => return Authorizer::Absent,
        Some(Value::Object(block)) => block,
        Some(_) => return Authorizer::Unreadable,
    };
    let mut kinds = block.iter().filter(|(_, value)| !value.is_null());
    match (kinds.next(), kinds.next()) {
        (None, _) => Authorizer::Absent,
        (Some((kind, value)), None) if kind == "iam" => {
            iam(value).map_or(Authorizer::Unreadable, Authorizer::Iam)
        }
        (Some((kind, Value::Object(_))), None) if kind == "jwt" => Authorizer::Jwt,
        _ => Authorizer::Unreadable,
    }
}

fn iam(block: &Value) -> Option<IamCaller> {
    let text = |name| block.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(IamCaller {
        account_id: text("accountId")?,
        caller_id: text("callerId")?,
        user_arn: text("userArn")?,
    })
}

/// A text cut to a length that can be shown.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(change: impl FnOnce(&mut Value)) -> Value {
        let mut event = json!({
            "version": "2.0",
            "rawPath": "/v1/requests",
            "rawQueryString": "",
            "headers": {"content-type": "application/json", "Accept": "a", "accept": "b"},
            "requestContext": {"http": {"method": "POST"}, "requestId": "JKJaXmPLvHcESHA=", "stage": "$default"},
            "body": "{}",
            "isBase64Encoded": false,
        });
        change(&mut event);
        event
    }

    #[test]
    fn an_event_is_taken_apart() {
        let request = HttpRequest::from_event(&event(|_| {})).unwrap();
        assert_eq!(request.method, "POST");
        assert_eq!(request.path(), ["v1", "requests"]);
        assert_eq!(request.body, b"{}");
        assert_eq!(request.header("accept"), Some("a,b"));
        assert_eq!(request.request_id.as_deref(), Some("JKJaXmPLvHcESHA="));
        assert_eq!(request.authorizer, Authorizer::Absent);
        let base64 = event(|e| (e["body"], e["isBase64Encoded"]) = ("AP8=".into(), true.into()));
        assert_eq!(HttpRequest::from_event(&base64).unwrap().body, [0, 255]);
        let no_log = event(|e| e["requestContext"]["requestId"] = "a\nb".into());
        assert_eq!(HttpRequest::from_event(&no_log).unwrap().request_id, None);
    }

    #[test]
    fn paths_are_split_and_then_decoded() {
        fn check(path: &str, stage: &str, expect: Option<&[&str]>) {
            let event = event(|e| {
                e["rawPath"] = path.into();
                e["requestContext"]["stage"] = stage.into();
            });
            let request = HttpRequest::from_event(&event);
            assert_eq!(request.as_ref().ok().map(|r| r.path()).as_deref(), expect, "{path}");
        }
        check("/", "$default", Some(&[]));
        check("/v1/requests/", "$default", Some(&["v1", "requests", ""]));
        check("//v1", "$default", Some(&["", "v1"]));
        check("/a%20b/%C3%A9", "$default", Some(&["a b", "é"]));
        check("/a+b", "$default", Some(&["a+b"]));
        check("/prod/v1", "prod", Some(&["v1"]));
        check("/prod", "prod", Some(&[]));
        check("/production/v1", "prod", Some(&["production", "v1"]));
        check("/$default/v1", "$default", Some(&["$default", "v1"]));
        check("", "$default", None);
        check("v1", "$default", None);
        check("/a%2Fb", "$default", None);
        check("/a%5cb", "$default", None);
        check("/v1/../v1", "$default", None);
        check("/v1/%2e%2E", "$default", None);
        check("/%", "$default", None);
        check("/%4", "$default", None);
        check("/%zz", "$default", None);
        check("/%+1", "$default", None);
        check("/%FF", "$default", None);
        check("/%00", "$default", None);
    }

    #[test]
    fn queries_are_decoded_and_each_name_stands_once() {
        fn check(raw: &str, expect: Option<&[(&str, &str)]>) {
            let request = HttpRequest::from_event(&event(|e| e["rawQueryString"] = raw.into()));
            let query =
                request.as_ref().ok().map(|r| r.query().iter().map(|(k, v)| (k.as_str(), v.as_str())));
            assert_eq!(query.map(Iterator::collect::<Vec<_>>).as_deref(), expect, "{raw}");
        }
        check("", Some(&[]));
        check("a=1&b=x+y%26z&&c", Some(&[("a", "1"), ("b", "x y&z"), ("c", "")]));
        check("a=b=c", Some(&[("a", "b=c")]));
        check("a=1&a=1", None);
        check("a=1&%61=2", None);
        check("a=%", None);
        check("a=%0a", None);
        check("a=%c3%28", None);
    }

    #[test]
    fn rubbish_is_refused_and_says_what_is_missing() {
        fn check(event: Value, expect: &str) {
            let problem = HttpRequest::from_event(&event).map(|_| ()).unwrap_err();
            assert_eq!(problem.status(), 400, "{event}");
            assert!(problem.detail().contains(expect), "{event}: {}", problem.detail());
        }
        check(Value::Null, "not an object");
        check(json!([]), "not an object");
        check(json!({"sweep": true}), "requestContext is missing");
        check(event(|e| e["requestContext"] = json!({})), "http.method is missing");
        check(event(|e| e["requestContext"]["http"] = json!("GET")), "http.method is missing");
        check(event(|e| e["requestContext"]["http"]["method"] = json!("GET /")), "not a word");
        check(event(|e| e["rawPath"] = json!(7)), "rawPath is missing");
        check(event(|e| e["rawQueryString"] = json!({})), "rawQueryString");
        check(event(|e| e["headers"] = json!("x")), "headers is not an object");
        check(event(|e| e["headers"] = json!({"a": ["b"]})), "a header is not a string");
        check(event(|e| e["body"] = json!({})), "body is not a string");
        check(event(|e| e["isBase64Encoded"] = json!("true")), "isBase64Encoded");
        check(event(|e| (e["body"], e["isBase64Encoded"]) = ("{}".into(), true.into())), "not base64");
    }

    #[test]
    fn the_authorizer_block_is_of_one_known_kind() {
        fn check(block: Value, expect: Authorizer) {
            let event = event(|e| e["requestContext"]["authorizer"] = block.clone());
            assert_eq!(HttpRequest::from_event(&event).unwrap().authorizer, expect, "{block}");
        }
        let iam =
            json!({"accountId": "1", "callerId": "2", "userArn": "3", "accessKey": "x", "userId": null});
        let caller = IamCaller { account_id: "1".into(), caller_id: "2".into(), user_arn: "3".into() };
        check(Value::Null, Authorizer::Absent);
        check(json!({}), Authorizer::Absent);
        check(json!({"iam": null}), Authorizer::Absent);
        check(json!({"iam": iam}), Authorizer::Iam(caller.clone()));
        check(json!({"iam": iam, "jwt": null}), Authorizer::Iam(caller));
        check(json!({"jwt": {"claims": {"sub": "x"}}}), Authorizer::Jwt);
        check(json!({"jwt": "x"}), Authorizer::Unreadable);
        check(json!({"iam": iam, "jwt": {}}), Authorizer::Unreadable);
        check(json!({"iam": iam, "lambda": {}}), Authorizer::Unreadable);
        check(json!({"iam": {"accountId": "1"}}), Authorizer::Unreadable);
        check(json!({"iam": {"accountId": 1, "callerId": "2", "userArn": "3"}}), Authorizer::Unreadable);
        check(json!({"lambda": {}}), Authorizer::Unreadable);
        check(json!("iam"), Authorizer::Unreadable);
    }

    #[test]
    fn debug_shows_neither_headers_nor_body() {
        let event = event(|e| {
            e["headers"]["authorization"] = "Bearer secret".into();
            e["body"] = "secret".into();
        });
        assert!(!format!("{:?}", HttpRequest::from_event(&event).unwrap()).contains("secret"));
    }
}
