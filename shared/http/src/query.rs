//! The query parameters of the two lists.

use countersign_domain::Status;

use crate::problem::Problem;
use crate::request::{HttpRequest, cut};

/// `?status=&cursor=` of `GET /v1/requests` and `GET /v1/review/requests`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    /// Only requests with this status.
    pub status: Option<Status>,
    /// Where the page before ended: its `next`. 1 to 1,024 of the base64url alphabet; what it means is the store's.
    pub cursor: Option<String>,
}

impl ListQuery {
    /// The parameters of the call to a list that holds requests of these statuses.
    ///
    /// # Errors
    /// `invalid_request`, naming the parameter, for an unknown one or a value that finds nothing ever.
    pub fn parse(request: &HttpRequest, listed: fn(Status) -> bool) -> Result<Self, Problem> {
        let mut query = Self::default();
        for (name, value) in request.query() {
            match name.as_str() {
                "status" => query.status = Some(status(value, listed)?),
                "cursor" => query.cursor = Some(cursor(value)?),
                _ => {
                    let name = cut(name);
                    let detail = format!("there is no query parameter {name:?} here; use status and cursor");
                    return Err(Problem::invalid(detail));
                }
            }
        }
        Ok(query)
    }
}

fn status(value: &str, listed: fn(Status) -> bool) -> Result<Status, Problem> {
    let all = || Status::ALL.iter().copied().filter(|status| listed(*status));
    all().find(|status| status.as_str() == value).ok_or_else(|| {
        let all: Vec<_> = all().map(Status::as_str).collect();
        Problem::invalid(format!("the query parameter status is not one of {}", all.join(", ")))
    })
}

fn cursor(value: &str) -> Result<String, Problem> {
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=');
    if (1..=1024).contains(&value.len()) && value.bytes().all(valid) {
        return Ok(value.to_owned());
    }
    Err(Problem::invalid(
        "the query parameter cursor is not the `next` of a page: leave it out to begin anew",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_parameters_of_a_list() {
        fn check(raw: &str, expect: Result<(Option<Status>, Option<&str>), &str>) {
            let event = json!({
                "rawPath": "/", "rawQueryString": raw, "requestContext": {"http": {"method": "GET"}}
            });
            let query = ListQuery::parse(&HttpRequest::from_event(&event).unwrap(), |s| s != Status::Lapsed);
            match (query, expect) {
                (Ok(query), Ok(expect)) => {
                    assert_eq!((query.status, query.cursor.as_deref()), expect, "{raw}")
                }
                (Err(problem), Err(expect)) => assert!(problem.detail().contains(expect), "{raw}: {problem}"),
                (other, _) => panic!("{raw}: {other:?}"),
            }
        }
        check("", Ok((None, None)));
        check("status=needs_info", Ok((Some(Status::NeedsInfo), None)));
        check("cursor=eyJ9-_%3D&status=pending", Ok((Some(Status::Pending), Some("eyJ9-_="))));
        check("status=", Err("status is not one of pending, needs_info"));
        check("status=Pending", Err("status is not one of"));
        check("status=lapsed", Err("undeliverable"));
        check("cursor=", Err("cursor is not"));
        check("cursor=a%20b", Err("cursor is not"));
        check("state=pending", Err("no query parameter \"state\""));
    }
}
