//! The base URL of an API: checked once, so that nothing secret is ever sent in clear over a network.

use std::str::FromStr;

use url::{Host, Url};

/// A base URL to which paths are added: `https`, or `http` on this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Why a text is not a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// No URL at all.
    #[error("not a URL ({0}); expected such as https://abc123.execute-api.eu-west-1.amazonaws.com")]
    NotAUrl(String),
    /// A scheme other than http and https.
    #[error("the URL must begin with https://")]
    Scheme,
    /// Plain http to another machine.
    #[error(
        "http:// is for this machine only; use https:// for another, because the call carries credentials"
    )]
    Clear,
    /// A part that a base URL does not have.
    #[error("the URL must not have a user, a query or a fragment")]
    Extra,
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let url = Url::parse(text).map_err(|e| InvalidEndpoint::NotAUrl(e.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(&url) => {}
            "http" => return Err(InvalidEndpoint::Clear),
            _ => return Err(InvalidEndpoint::Scheme),
        }
        let extra = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if extra { Err(InvalidEndpoint::Extra) } else { Ok(Self(url)) }
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

impl Endpoint {
    /// Host and port, for messages.
    pub fn host(&self) -> String {
        match (self.0.host_str(), self.0.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => String::new(),
        }
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        is_this_machine(&self.0)
    }

    /// The AWS region that the host's name gives, as in `abc.execute-api.eu-west-1.amazonaws.com`.
    pub fn region(&self) -> Option<&str> {
        let host = self.0.host_str()?;
        let mut labels = host.split('.').skip_while(|label| *label != "execute-api").skip(1);
        let region = labels.next()?;
        matches!(labels.next(), Some("amazonaws" | "vpce")).then_some(region)
    }

    /// The URL of a resource: each of `segments` and of `query`'s values is encoded.
    pub fn resource(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        let mut path = url.path().trim_end_matches('/').to_owned();
        for segment in segments {
            path.push('/');
            path.push_str(&encoded(segment));
        }
        url.set_path(&path);
        if !query.is_empty() {
            let pairs: Vec<String> =
                query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
            url.set_query(Some(&pairs.join("&")));
        }
        url
    }
}

/// RFC 3986: everything but the unreserved characters as `%XX`, which SigV4 needs too (no `+` for a space).
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_in_clear_to_another_machine() {
        fn check(text: &str, expect: Result<(), InvalidEndpoint>) {
            assert_eq!(text.parse::<Endpoint>().map(drop), expect, "{text}");
        }
        check("https://abc.execute-api.eu-west-1.amazonaws.com", Ok(()));
        check("https://approvals.example.com/base/", Ok(()));
        check("http://127.0.0.1:4566/_aws/execute-api/abc/$default", Ok(()));
        check("http://[::1]:80", Ok(()));
        check("http://localhost:4566", Ok(()));
        check("http://abc.execute-api.localhost:4566", Ok(()));
        check("http://approvals.example.com", Err(InvalidEndpoint::Clear));
        check("http://127.0.0.1.example.com", Err(InvalidEndpoint::Clear));
        check("http://localhost.example.com", Err(InvalidEndpoint::Clear));
        check("ftp://localhost", Err(InvalidEndpoint::Scheme));
        check("https://user@example.com", Err(InvalidEndpoint::Extra));
        check("https://example.com/?a=1", Err(InvalidEndpoint::Extra));
        check("https://example.com/#x", Err(InvalidEndpoint::Extra));
        check("example.com", Err(InvalidEndpoint::NotAUrl("relative URL without a base".into())));
    }

    #[test]
    fn the_region_is_in_the_name_of_an_api() {
        fn check(text: &str, expect: Option<&str>) {
            assert_eq!(text.parse::<Endpoint>().unwrap().region(), expect, "{text}");
        }
        check("https://abc.execute-api.eu-west-1.amazonaws.com", Some("eu-west-1"));
        check("https://abc.execute-api.cn-north-1.amazonaws.com.cn/x", Some("cn-north-1"));
        check("https://vpce-1.execute-api.us-east-1.vpce.amazonaws.com", Some("us-east-1"));
        check("https://approvals.example.com", None);
        check("http://abc.execute-api.localhost:4566", None);
        check("http://127.0.0.1:4566/_aws/execute-api/abc/$default", None);
    }

    #[test]
    fn paths_and_queries_are_encoded_and_the_base_is_kept() {
        fn check(base: &str, segments: &[&str], query: &[(&str, &str)], expect: &str) {
            assert_eq!(base.parse::<Endpoint>().unwrap().resource(segments, query).as_str(), expect);
        }
        check("https://a.example", &["v1", "requests"], &[], "https://a.example/v1/requests");
        check("https://a.example/b/", &["v1"], &[], "https://a.example/b/v1");
        check("http://localhost/$default", &["v1"], &[], "http://localhost/$default/v1");
        check("https://a.example", &["a/b?c"], &[], "https://a.example/a%2Fb%3Fc");
        check(
            "https://a.example",
            &["v1"],
            &[("cursor", "a+b/c= d"), ("status", "é")],
            "https://a.example/v1?cursor=a%2Bb%2Fc%3D%20d&status=%C3%A9",
        );
    }
}
