//! From an event to an answer, as C2SP tlog-witness has it. Who asks does not matter: only a log's own signature is
//! cosigned, and that is public.

use countersign_app::ports::{Observations, Signer};
use countersign_domain::Time;
use countersign_http::request::HttpRequest;
use countersign_http::response::HttpResponse;
use countersign_http::{Problem, lambda};
use serde_json::{Value, json};

use crate::witness::{Refused, Witness};

/// Answers a call of the API, or tells the witness's key to who may invoke the function (`{"vkey": true}`).
pub async fn handle<O: Observations, S: Signer>(witness: &Witness<O, S>, event: Value, now: Time) -> Value {
    if event.get("vkey").is_some() {
        return match witness.key().await {
            Ok(key) => json!({"vkey": key.to_string()}),
            Err(error) => json!({"error": error.to_string()}),
        };
    }
    lambda::answer(event, |request| dispatch(witness, request, now)).await
}

async fn dispatch<O: Observations, S: Signer>(
    witness: &Witness<O, S>,
    request: HttpRequest,
    now: Time,
) -> Result<HttpResponse, Problem> {
    if (request.method.as_str(), request.path().as_slice()) != ("POST", &["add-checkpoint"]) {
        return Err(Problem::not_found());
    }
    Ok(match witness.add(&request.body, now).await {
        Ok(line) => plain(200, line),
        Err(refused) => no(&refused),
    })
}

fn no(refused: &Refused) -> HttpResponse {
    tracing::info!(refused = %refused, "a checkpoint was not cosigned");
    let status = match refused {
        Refused::Malformed(_) => 400,
        Refused::Signature => 403,
        Refused::UnknownLog => 404,
        Refused::Conflict(known) => return HttpResponse::text(409, "text/x.tlog.size", format!("{known}\n")),
        Refused::Proof => 422,
        Refused::Unavailable(_) => 503,
    };
    plain(status, refused.to_string())
}

fn plain(status: u16, line: String) -> HttpResponse {
    HttpResponse::text(status, "text/plain; charset=utf-8", line + "\n")
}
