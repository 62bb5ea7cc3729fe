//! From method and path to what is called. Each API has its routes as an enum, so that a handler is a total match.
//!
//! An id in the path is parsed here: what is no id can be no request, and is `not_found`. Paths are matched exactly;
//! a trailing slash is another path.

use std::str::FromStr;

use countersign_domain::{AgentId, Code, RequestId};

use crate::problem::Problem;
use crate::request::{HttpRequest, cut};

/// The agents' API (functions Intake and Query).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentRoute {
    /// `POST /v1/requests`
    Create,
    /// `GET /v1/requests`
    List,
    /// `GET /v1/requests/{id}`
    Read(RequestId),
    /// `POST /v1/requests/{id}/responses`
    Respond(RequestId),
    /// `POST /v1/requests/{id}/withdraw`
    Withdraw(RequestId),
    /// `POST /v1/requests/{id}/consume`
    Consume(RequestId),
    /// `POST /v1/requests/{id}/outcome`
    Outcome(RequestId),
    /// `POST /v1/explain`
    Explain,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /healthz`
    Health,
}

/// The reviewers' API and the chat platforms' (function callback).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewRoute {
    /// `GET /v1/review/requests`
    List,
    /// `GET /v1/review/requests/{id}`
    Read(RequestId),
    /// `GET /v1/review/requests/{id}/events`
    Events(RequestId),
    /// `POST /v1/review/requests/{id}/decisions`
    Decide(RequestId),
    /// `POST /v1/review/requests/{id}/revoke`
    Revoke(RequestId),
    /// `POST /v1/review/requests/{id}/erase`
    Erase(RequestId),
    /// `POST /v1/review/requests/{id}/cards`
    Cards(RequestId),
    /// `POST /v1/review/agents/{id}/freeze`
    Freeze(AgentId),
    /// `POST /v1/review/agents/{id}/unfreeze`
    Unfreeze(AgentId),
    /// `POST /v1/review/log/recover`
    Recover,
    /// `POST /v1/review/log/exports`
    Export,
    /// `POST /slack/interactions`
    SlackInteractions,
    /// `POST /slack/events`
    SlackEvents,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /healthz`
    Health,
}

impl AgentRoute {
    /// What the call is for.
    ///
    /// # Errors
    /// `not_found` for an unknown path or a malformed id, 405 with `Allow` for another method.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        match request.path().as_slice() {
            ["v1", "requests"] => match request.method.as_str() {
                "GET" => Ok(Self::List),
                "POST" => Ok(Self::Create),
                _ => Err(Problem::method_not_allowed(&request.method, "GET, POST".into())),
            },
            ["v1", "requests", id] => get(request, Self::Read(id_of(id)?)),
            ["v1", "requests", id, "responses"] => post(request, Self::Respond(id_of(id)?)),
            ["v1", "requests", id, "withdraw"] => post(request, Self::Withdraw(id_of(id)?)),
            ["v1", "requests", id, "consume"] => post(request, Self::Consume(id_of(id)?)),
            ["v1", "requests", id, "outcome"] => post(request, Self::Outcome(id_of(id)?)),
            ["v1", "explain"] => post(request, Self::Explain),
            ["openapi.json"] => get(request, Self::OpenApi),
            ["healthz"] => get(request, Self::Health),
            _ => Err(no_route(request)),
        }
    }
}

impl ReviewRoute {
    /// What the call is for.
    ///
    /// # Errors
    /// As [`AgentRoute::of`].
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        match request.path().as_slice() {
            ["v1", "review", "requests"] => get(request, Self::List),
            ["v1", "review", "requests", id] => get(request, Self::Read(id_of(id)?)),
            ["v1", "review", "requests", id, "events"] => get(request, Self::Events(id_of(id)?)),
            ["v1", "review", "requests", id, "decisions"] => post(request, Self::Decide(id_of(id)?)),
            ["v1", "review", "requests", id, "revoke"] => post(request, Self::Revoke(id_of(id)?)),
            ["v1", "review", "requests", id, "erase"] => post(request, Self::Erase(id_of(id)?)),
            ["v1", "review", "requests", id, "cards"] => post(request, Self::Cards(id_of(id)?)),
            ["v1", "review", "agents", id, "freeze"] => post(request, Self::Freeze(id_of(id)?)),
            ["v1", "review", "agents", id, "unfreeze"] => post(request, Self::Unfreeze(id_of(id)?)),
            ["v1", "review", "log", "recover"] => post(request, Self::Recover),
            ["v1", "review", "log", "exports"] => post(request, Self::Export),
            ["slack", "interactions"] => post(request, Self::SlackInteractions),
            ["slack", "events"] => post(request, Self::SlackEvents),
            ["openapi.json"] => get(request, Self::OpenApi),
            ["healthz"] => get(request, Self::Health),
            _ => Err(no_route(request)),
        }
    }
}

fn get<R>(request: &HttpRequest, route: R) -> Result<R, Problem> {
    only("GET", request, route)
}

fn post<R>(request: &HttpRequest, route: R) -> Result<R, Problem> {
    only("POST", request, route)
}

fn only<R>(method: &str, request: &HttpRequest, route: R) -> Result<R, Problem> {
    if request.method == method {
        return Ok(route);
    }
    Err(Problem::method_not_allowed(&request.method, method.to_owned()))
}

fn id_of<I: FromStr<Err = countersign_domain::ids::InvalidId>>(segment: &str) -> Result<I, Problem> {
    segment.parse().map_err(|error: I::Err| Problem::new(Code::NotFound, error.to_string()))
}

fn no_route(request: &HttpRequest) -> Problem {
    let path = cut(&format!("/{}", request.segments.join("/")));
    Problem::new(Code::NotFound, format!("there is no path {path} in this API; GET /openapi.json lists them"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::HttpResponse;

    const REQUEST: &str = "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW";
    const AGENT: &str = "agt_abcdefghijklmnopqrstuvwxy2";

    fn call(text: &str) -> HttpRequest {
        let text = text.replace("{r}", REQUEST).replace("{a}", AGENT);
        let (method, path) = text.split_once(' ').unwrap();
        HttpRequest::from_event(&json!({"rawPath": path, "requestContext": {"http": {"method": method}}}))
            .unwrap()
    }

    /// A route as its name, or the problem as its status, with `Allow`.
    fn answer<R: std::fmt::Debug>(route: Result<R, Problem>) -> String {
        route.map_or_else(
            |problem| {
                let answer = HttpResponse::from(problem);
                format!("{} {}", answer.status(), answer.header("allow").unwrap_or_default())
                    .trim()
                    .to_owned()
            },
            |route| format!("{route:?}").replace(REQUEST, "r").replace(AGENT, "a").replace("Id(\"", "(\""),
        )
    }

    #[test]
    fn the_agents_api() {
        fn check(text: &str, expect: &str) {
            assert_eq!(answer(AgentRoute::of(&call(text))), expect, "{text}");
        }
        check("POST /v1/requests", "Create");
        check("post /v1/requests", "Create");
        check("GET /v1/requests", "List");
        check("GET /v1/requests/{r}", "Read(Request(\"r\"))");
        check("POST /v1/requests/{r}/responses", "Respond(Request(\"r\"))");
        check("POST /v1/requests/{r}/withdraw", "Withdraw(Request(\"r\"))");
        check("POST /v1/requests/{r}/consume", "Consume(Request(\"r\"))");
        check("POST /v1/requests/{r}/outcome", "Outcome(Request(\"r\"))");
        check("POST /v1/explain", "Explain");
        check("GET /openapi.json", "OpenApi");
        check("GET /healthz", "Health");
        check("DELETE /v1/requests", "405 GET, POST");
        check("POST /v1/requests/{r}", "405 GET");
        check("GET /v1/requests/{r}/consume", "405 POST");
        check("HEAD /healthz", "405 GET");
        check("GET /", "404");
        check("GET /v1/requests/", "404");
        check("GET /v1/requests/{a}", "404");
        check("GET /v1/requests/{r}/", "404");
        check("POST /v1/requests/{r}/decisions", "404");
        check("GET /v1/review/requests", "404");
        check("POST /slack/interactions", "404");
    }

    #[test]
    fn the_reviewers_api() {
        fn check(text: &str, expect: &str) {
            assert_eq!(answer(ReviewRoute::of(&call(text))), expect, "{text}");
        }
        check("GET /v1/review/requests", "List");
        check("GET /v1/review/requests/{r}", "Read(Request(\"r\"))");
        check("GET /v1/review/requests/{r}/events", "Events(Request(\"r\"))");
        check("POST /v1/review/requests/{r}/decisions", "Decide(Request(\"r\"))");
        check("POST /v1/review/requests/{r}/revoke", "Revoke(Request(\"r\"))");
        check("POST /v1/review/requests/{r}/erase", "Erase(Request(\"r\"))");
        check("POST /v1/review/requests/{r}/cards", "Cards(Request(\"r\"))");
        check("POST /v1/review/agents/{a}/freeze", "Freeze(Agent(\"a\"))");
        check("POST /v1/review/agents/{a}/unfreeze", "Unfreeze(Agent(\"a\"))");
        check("POST /v1/review/log/recover", "Recover");
        check("POST /v1/review/log/exports", "Export");
        check("GET /v1/review/log/exports", "405 POST");
        check("POST /slack/interactions", "SlackInteractions");
        check("POST /slack/events", "SlackEvents");
        check("GET /openapi.json", "OpenApi");
        check("GET /healthz", "Health");
        // GET never decides.
        check("GET /v1/review/requests/{r}/decisions", "405 POST");
        check("GET /slack/interactions", "405 POST");
        check("POST /v1/review/requests", "405 GET");
        check("POST /v1/review/agents/{r}/freeze", "404");
        check("POST /v1/requests", "404");
        check("GET /v1/review/requests/{r}/decisions/x", "404");
    }
}
