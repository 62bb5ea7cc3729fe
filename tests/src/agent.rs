//! An agent: a role of the engine's account that signs its calls.

use aws_credential_types::Credentials;
use serde_json::{Value, json};

use crate::engine::query;
use crate::http::{Answer, Call};
use crate::{stack, unique};

/// An agent with a role of its own.
#[derive(Debug, Clone)]
pub struct Agent {
    /// What it signs with.
    pub credentials: Credentials,
    /// Its role.
    pub role: String,
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::000000000000:root"}}]}"#;

impl Agent {
    /// A new agent whose role's name begins with `prefix`, in a session of the given name.
    pub async fn new(prefix: &str) -> Self {
        Self::with_role(&format!("{prefix}-{}", unique()), "e2e").await
    }

    /// An agent of this very role.
    pub async fn with_role(role: &str, session: &str) -> Self {
        let invoke = stack().output("AgentsInvokeArn");
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": invoke}]});
        query(
            "iam",
            &[
                ("Action", "CreateRole"),
                ("Version", "2010-05-08"),
                ("RoleName", role),
                ("AssumeRolePolicyDocument", TRUST),
            ],
        )
        .await;
        query(
            "iam",
            &[
                ("Action", "PutRolePolicy"),
                ("Version", "2010-05-08"),
                ("RoleName", role),
                ("PolicyName", "ask"),
                ("PolicyDocument", &policy.to_string()),
            ],
        )
        .await;
        let arn = format!("arn:aws:iam::000000000000:role/{role}");
        let keys = query(
            "sts",
            &[
                ("Action", "AssumeRole"),
                ("Version", "2011-06-15"),
                ("RoleArn", &arn),
                ("RoleSessionName", session),
            ],
        )
        .await;
        let part = |name: &str| {
            let found = keys.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split("</").next());
            found.unwrap_or_else(|| panic!("no {name} in {keys}")).to_owned()
        };
        let credentials = Credentials::new(
            part("AccessKeyId"),
            part("SecretAccessKey"),
            Some(part("SessionToken")),
            None,
            "local",
        );
        Self { credentials, role: role.to_owned() }
    }

    /// The ordinary agent of most tests: frank owns it.
    pub async fn ordinary() -> Self {
        Self::new("test-agent").await
    }

    /// A signed GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Call::get(format!("{}{path}", stack().agents_api))).await
    }

    /// A signed POST.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Call::post(format!("{}{path}", stack().agents_api), body)).await
    }

    /// A signed call.
    pub async fn call(&self, call: Call) -> Answer {
        call.signed(&self.credentials, "execute-api").send().await
    }

    /// Asks with a key of its own; `more` is laid over the body.
    pub async fn ask(&self, action: &str, more: Value) -> Answer {
        self.ask_with_key(&unique(), action, more).await
    }

    /// Asks with this key.
    pub async fn ask_with_key(&self, key: &str, action: &str, more: Value) -> Answer {
        let mut body =
            json!({"action": action, "target": "arn:aws:s3:::bucket", "arguments": {"prefix": "users/"}});
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            body[name] = value;
        }
        let call =
            Call::post(format!("{}/v1/requests", stack().agents_api), &body).with("idempotency-key", key);
        self.call(call).await
    }

    /// Asks for something that goes to review, and gives the request.
    pub async fn asks(&self, action: &str) -> Value {
        self.ask(action, Value::Null).await.expect(202)
    }

    /// Reads a request.
    pub async fn read(&self, request: &Value) -> Value {
        self.get(&format!("/v1/requests/{}", id(request))).await.expect(200)
    }

    /// Reads a request when it has changed, or after so many seconds.
    pub async fn wait(&self, request: &Value, seconds: u32) -> Value {
        let url = format!("{}/v1/requests/{}", stack().agents_api, id(request));
        self.call(Call::get(url).with("prefer", &format!("wait={seconds}"))).await.expect(200)
    }

    /// Consumes with an attempt of its own.
    pub async fn consume(&self, request: &Value) -> Answer {
        // As an agent does: the same attempt again while the log is busy.
        let attempt = crate::attempt();
        let mut answer = self.consume_as(request, &attempt).await;
        for _ in 0..2 {
            if answer.body["code"] != "audit_unavailable" {
                break;
            }
            answer = self.consume_as(request, &attempt).await;
        }
        answer
    }

    /// Consumes with this attempt.
    pub async fn consume_as(&self, request: &Value, attempt: &str) -> Answer {
        let body = json!({"digest": request["digest"], "attempt": attempt});
        self.post(&format!("/v1/requests/{}/consume", id(request)), &body).await
    }

    /// Reports an outcome.
    pub async fn outcome(&self, request: &Value, outcome: &str) -> Answer {
        self.post(&format!("/v1/requests/{}/outcome", id(request)), &json!({"outcome": outcome})).await
    }
}

/// A request's id.
#[track_caller]
pub fn id(request: &Value) -> &str {
    request["id"].as_str().unwrap_or_else(|| panic!("not a request: {request}"))
}
