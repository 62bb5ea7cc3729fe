//! From an event to an answer: what a function's handler wraps its own code in.

use std::future::Future;

use serde_json::Value;

use crate::problem::Problem;
use crate::request::HttpRequest;
use crate::response::HttpResponse;

/// Answers one event: takes it apart, calls `handle`, and makes of a problem the answer that carries it. Each call
/// is logged once, here; neither the detail nor anything the caller sent is in the log.
pub async fn answer<F, A>(event: Value, handle: F) -> Value
where
    F: FnOnce(HttpRequest) -> A,
    A: Future<Output = Result<HttpResponse, Problem>>,
{
    let request = match HttpRequest::from_event(&event) {
        Ok(request) => request,
        Err(problem) => return refused("-", None, problem).into_event(),
    };
    let (method, id) = (request.method.clone(), request.request_id.clone());
    match handle(request).await {
        Ok(response) => {
            let (status, id) = (response.status(), id.as_deref());
            tracing::info!(
                http.status = status,
                http.method = method,
                http.request_id = id,
                "a call was answered"
            );
            response.into_event()
        }
        Err(problem) => refused(&method, id.as_deref(), problem).into_event(),
    }
}

fn refused(method: &str, id: Option<&str>, problem: Problem) -> HttpResponse {
    let (status, code) = (problem.status(), problem.code().as_str());
    if status >= 500 {
        tracing::warn!(
            http.status = status,
            http.method = method,
            http.request_id = id,
            code,
            "a call failed"
        );
    } else {
        tracing::info!(
            http.status = status,
            http.method = method,
            http.request_id = id,
            code,
            "a call was refused"
        );
    }
    problem.into()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::body::{ConsumeBody, CreateBody, DecideBody, OutcomeBody, RespondBody, RevokeBody};
    use crate::headers::{IdempotencyKey, prefer_wait};
    use crate::principal::Agent;
    use crate::query::ListQuery;
    use crate::route::{AgentRoute, ReviewRoute};
    use crate::token::{TokenKind, Verifier, bearer};

    static VERIFIER: LazyLock<Verifier> =
        LazyLock::new(|| Verifier::new("http://127.0.0.1:9", "x", TokenKind::Reviewer).unwrap());

    fn run(event: Value) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(answer(event, everything))
    }

    /// Every parser of this crate, whatever the others say.
    async fn everything(request: HttpRequest) -> Result<HttpResponse, Problem> {
        let _ = (CreateBody::parse(&request), RespondBody::parse(&request), ConsumeBody::parse(&request));
        let _ = (OutcomeBody::parse(&request), DecideBody::parse(&request), RevokeBody::parse(&request));
        let _ = (IdempotencyKey::of(&request), prefer_wait(&request), ListQuery::parse(&request, |_| true));
        let _ = ReviewRoute::of(&request);
        if let Ok(token) = bearer(&request) {
            let _ = VERIFIER.verify(token, None, countersign_domain::Time::from_millis(0)).await;
        }
        Agent::from_iam(&request)?;
        AgentRoute::of(&request)?;
        Ok(HttpResponse::empty(204))
    }

    #[test]
    fn a_problem_becomes_its_answer() {
        let answer = run(json!({"rawPath": "/", "requestContext": {"http": {"method": "GET"}}}));
        assert_eq!(answer["statusCode"], 401);
        assert_eq!(answer["headers"]["content-type"], "application/problem+json");
        assert_eq!(run(json!({"sweep": true}))["statusCode"], 400);
    }

    #[test]
    fn a_good_call_is_handled() {
        let event = json!({
            "rawPath": "/v1/requests", "requestContext": {"http": {"method": "GET"}, "authorizer": {"iam": {
                "accountId": "123456789012", "callerId": "AROAX:ci",
                "userArn": "arn:aws:sts::123456789012:assumed-role/deploy/ci",
            }}},
        });
        assert_eq!(run(event)["statusCode"], 204);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(Value::from("arn:aws:sts::123456789012:assumed-role/deploy/ci")),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// An event of the right form with a few places overwritten by anything.
    fn bent_event() -> impl Strategy<Value = Value> {
        let good = json!({
            "rawPath": "/v1/requests", "rawQueryString": "status=pending", "isBase64Encoded": false,
            "headers": {"content-type": "application/json", "prefer": "wait=3", "idempotency-key": "k"},
            "requestContext": {
                "http": {"method": "POST"}, "requestId": "r", "stage": "$default",
                "authorizer": {"iam": {"accountId": "123456789012", "callerId": "AROAX:ci", "userArn":
                    "arn:aws:sts::123456789012:assumed-role/deploy/ci"}},
            },
            "body": "{\"action\":\"a\",\"target\":\"t\",\"arguments\":{}}",
        });
        let places = prop::sample::select(vec![
            "/rawPath",
            "/rawQueryString",
            "/isBase64Encoded",
            "/headers",
            "/headers/content-type",
            "/headers/prefer",
            "/headers/idempotency-key",
            "/requestContext",
            "/requestContext/http",
            "/requestContext/http/method",
            "/requestContext/requestId",
            "/requestContext/stage",
            "/requestContext/authorizer",
            "/requestContext/authorizer/iam",
            "/requestContext/authorizer/iam/accountId",
            "/requestContext/authorizer/iam/callerId",
            "/requestContext/authorizer/iam/userArn",
            "/body",
        ]);
        let text = prop_oneof!["[ -~]{0,40}".prop_map(Value::from), any_json()];
        prop::collection::vec((places, text), 1..3).prop_map(move |changes| {
            let mut event = good.clone();
            for (place, value) in changes {
                if let Some(there) = event.pointer_mut(place) {
                    *there = value;
                }
            }
            event
        })
    }

    fn check(event: Value) {
        let shown = event.to_string();
        let status = run(event)["statusCode"].as_u64().unwrap();
        assert!((200..500).contains(&status), "{status}: {shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn no_event_makes_it_panic(event in any_json()) {
            check(event);
        }

        #[test]
        fn no_bent_event_makes_it_panic(event in bent_event()) {
            check(event);
        }

        #[test]
        fn no_body_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), base64 in "[A-Za-z0-9+/=]{0,40}") {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
            for body in [encoded, base64] {
                check(json!({
                    "rawPath": "/", "headers": {"content-type": "application/json"}, "body": body,
                    "isBase64Encoded": true, "requestContext": {"http": {"method": "POST"}},
                }));
            }
        }

        #[test]
        fn no_token_makes_it_panic(token in "[ -~]{0,80}|Bearer ([A-Za-z0-9_-]{0,30}\\.){2}[A-Za-z0-9_-]{0,30}") {
            check(json!({
                "rawPath": "/", "headers": {"authorization": token}, "requestContext": {"http": {"method": "GET"}},
            }));
        }
    }
}
