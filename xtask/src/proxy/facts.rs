//! What rules can see of a call, and the name it is counted under.

use super::wire::{Body, Head};

/// One call, as rules and counters see it.
pub(crate) struct Facts {
    /// The operation: `X-Amz-Target` where there is one (`DynamoDB_20120810.GetItem`), else the signed
    /// service with the form's action (`sns.Publish`) or the method (`s3.PUT`), else method and path.
    pub target: String,
    pub method: String,
    pub path: String,
    pub body: Vec<u8>,
}

impl Facts {
    pub(crate) fn of(head: &Head, body: &Body) -> Self {
        Self {
            target: target(head, &body.content),
            method: head.method.clone(),
            path: head.path.clone(),
            body: body.content.clone(),
        }
    }
}

/// Whether a name given in a rule or query means this target: the whole, or what follows a dot.
pub(crate) fn means(target: &str, name: &str) -> bool {
    target == name || target.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

fn target(head: &Head, body: &[u8]) -> String {
    if let Some(target) = head.header("x-amz-target") {
        return target.to_owned();
    }
    let Some(service) = signed_service(head) else {
        let path = head.path.split('?').next().unwrap_or_default();
        return format!("{} {path}", head.method);
    };
    match form_action(head, body) {
        Some(action) => format!("{service}.{action}"),
        None => format!("{service}.{}", head.method),
    }
}

/// The service in the credential scope `KEY/DATE/REGION/SERVICE/aws4_request` of a signature.
fn signed_service(head: &Head) -> Option<&str> {
    let scope = head.header("authorization")?.split_once("Credential=")?.1.split(',').next()?;
    scope.split('/').rev().nth(1)
}

fn form_action<'a>(head: &Head, body: &'a [u8]) -> Option<&'a str> {
    if !head.header("content-type")?.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    text.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::wire::read_request;

    fn check(request: &str, body: &str, expect: &str) {
        let head = read_request(&mut request.replace('\n', "\r\n").as_bytes()).unwrap().unwrap();
        assert_eq!(target(&head, body.as_bytes()), expect);
    }

    #[test]
    fn a_call_is_named_after_its_operation() {
        let signed = |service: &str| {
            format!(
                "Authorization: AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host\n"
            )
        };
        check("POST / HTTP/1.1\nX-Amz-Target: Dyn.GetItem\n\n", "{}", "Dyn.GetItem");
        check(&format!("PUT /b/k?x=1 HTTP/1.1\n{}\n", signed("s3")), "", "s3.PUT");
        let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n";
        let sns = format!("POST / HTTP/1.1\n{form}{}\n", signed("sns"));
        check(&sns, "Version=1&Action=Publish&X=Y", "sns.Publish");
        check("POST /api/chat.postMessage?a=b HTTP/1.1\n\n", "", "POST /api/chat.postMessage");
    }

    #[test]
    fn a_short_name_means_what_follows_a_dot_only() {
        assert!(means("DynamoDB_20120810.GetItem", "GetItem"));
        assert!(means("DynamoDB_20120810.GetItem", "DynamoDB_20120810.GetItem"));
        assert!(!means("DynamoDB_20120810.BatchGetItem", "GetItem"));
    }
}
