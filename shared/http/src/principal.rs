//! Which agent is calling: from API Gateway's authorizer block, or from a token that we verified.
//!
//! The id comes from the principal alone and never from the body. In IAM mode API Gateway checked the signature and
//! the block is its word; whoever may invoke the function directly can write it, which the security notes say.
//! Everything that is not plainly one role session or one IAM user is refused.

use countersign_domain::AgentId;

use crate::problem::Problem;
use crate::request::{Authorizer, HttpRequest, IamCaller};
use crate::token::VerifiedToken;

/// Roles that IAM Identity Center makes: their sessions are people's, so each session is an agent of its own.
const SSO_ROLE: &str = "AWSReservedSSO_";

/// The agent that is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its readable name: `aws:<account>:role/<role>`, `aws:<account>:user/<name>`,
    /// `aws:<account>:sso/<role>/<session>` or `oidc:<issuer>#<subject>`.
    pub name: String,
    /// The session name of an ordinary role: whoever assumed the role chose it, so it proves nothing.
    pub session: Option<String>,
    /// The session name of an SSO role: the person's, and part of the id.
    pub sso_session: Option<String>,
}

impl Agent {
    /// The caller of a SigV4-signed call.
    ///
    /// # Errors
    /// `unauthenticated` when nobody vouches for the caller or the block is not as AWS writes it; `forbidden` for
    /// the account's root and for federated users, which name no agent.
    pub fn from_iam(request: &HttpRequest) -> Result<Self, Problem> {
        // A gateway that lets another scheme through on an IAM route has checked nothing.
        let signed = request.header("authorization").is_none_or(|value| value.starts_with("AWS4-"));
        match &request.authorizer {
            _ if !signed => {
                Err(unauthenticated("this API takes calls signed with SigV4, not another Authorization"))
            }
            Authorizer::Iam(caller) => Self::of_caller(caller),
            Authorizer::Absent => Err(unauthenticated("nobody vouches for this call: sign it with SigV4")),
            Authorizer::Jwt | Authorizer::Unreadable => {
                Err(unauthenticated("this API takes calls signed with SigV4 alone"))
            }
        }
    }

    /// The agent that a verified token names.
    pub fn from_token(token: &VerifiedToken) -> Self {
        Self {
            id: AgentId::of("oidc", &token.issuer, &token.subject),
            name: format!("oidc:{}#{}", token.issuer, token.subject),
            session: None,
            sso_session: None,
        }
    }

    fn of_caller(caller: &IamCaller) -> Result<Self, Problem> {
        let arn = Arn::parse(&caller.user_arn).ok_or_else(not_a_principal)?;
        if arn.account != caller.account_id {
            return Err(unauthenticated("the caller's account is not that of its ARN"));
        }
        if (arn.service, arn.resource) == ("iam", "root") || caller.caller_id == caller.account_id {
            return Err(Problem::forbidden("the account's root is no agent: use a role or an IAM user"));
        }
        let account = arn.account;
        match (arn.service, arn.resource.split('/').collect::<Vec<_>>().as_slice()) {
            ("sts", ["assumed-role", role, session]) if is_name(role) && is_name(session) => {
                // AWS writes the session twice. A block that disagrees with itself is nobody's word.
                if caller.caller_id.split_once(':').is_none_or(|(_, told)| told != *session) {
                    return Err(not_a_principal());
                }
                Ok(Self::of_role(account, role, session))
            }
            ("iam", ["user", .., name]) if is_name(name) => Ok(Self {
                id: AgentId::of("user", account, name),
                name: format!("aws:{account}:user/{name}"),
                session: None,
                sso_session: None,
            }),
            ("sts", ["federated-user", ..]) => {
                Err(Problem::forbidden("a federated user is no agent: use a role or an IAM user"))
            }
            _ => Err(not_a_principal()),
        }
    }

    fn of_role(account: &str, role: &str, session: &str) -> Self {
        if role.starts_with(SSO_ROLE) {
            let rest = format!("{role}/{session}");
            return Self {
                id: AgentId::of("sso", account, &rest),
                name: format!("aws:{account}:sso/{rest}"),
                session: None,
                sso_session: Some(session.to_owned()),
            };
        }
        Self {
            id: AgentId::of("role", account, role),
            name: format!("aws:{account}:role/{role}"),
            session: Some(session.to_owned()),
            sso_session: None,
        }
    }
}

/// `arn:<partition>:<service>::<account>:<resource>`, as IAM and STS write it.
struct Arn<'a> {
    service: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", "aws" | "aws-cn" | "aws-us-gov", service, "", account, resource]
                if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Some(Self { service, account, resource })
            }
            _ => None,
        }
    }
}

/// The names that IAM gives to roles, sessions and users.
fn is_name(name: &str) -> bool {
    let valid =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(valid)
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(countersign_domain::Code::Unauthenticated, detail)
}

fn not_a_principal() -> Problem {
    unauthenticated("the caller is neither a role's session nor an IAM user")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(authorizer: &Value, authorization: Option<&str>) -> HttpRequest {
        HttpRequest::from_event(&json!({
            "rawPath": "/v1/requests",
            "headers": authorization.map(|value| json!({"Authorization": value})),
            "requestContext": {"http": {"method": "POST"}, "authorizer": authorizer},
        }))
        .unwrap()
    }

    fn iam(account: &str, caller: &str, arn: &str) -> Value {
        json!({"iam": {"accountId": account, "callerId": caller, "userArn": arn, "accessKey": "ASIA", "userId": caller}})
    }

    #[test]
    fn roles_users_and_sso_sessions_are_agents() {
        fn check(caller: &str, arn: &str, id: [&str; 3], name: &str, sessions: [Option<&str>; 2]) {
            let agent =
                Agent::from_iam(&call(&iam(id[1], caller, arn), Some("AWS4-HMAC-SHA256 Credential=…")))
                    .unwrap();
            assert_eq!(agent.id, AgentId::of(id[0], id[1], id[2]), "{arn}");
            assert_eq!(agent.name, name);
            assert_eq!([agent.session.as_deref(), agent.sso_session.as_deref()], sessions, "{arn}");
        }
        check(
            "AROAX:ci-42",
            "arn:aws:sts::123456789012:assumed-role/deploy/ci-42",
            ["role", "123456789012", "deploy"],
            "aws:123456789012:role/deploy",
            [Some("ci-42"), None],
        );
        check(
            "AROAX:x@y.example",
            "arn:aws-us-gov:sts::123456789012:assumed-role/deploy/x@y.example",
            ["role", "123456789012", "deploy"],
            "aws:123456789012:role/deploy",
            [Some("x@y.example"), None],
        );
        check(
            "AROAX:alice@example.com",
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/alice@example.com",
            ["sso", "123456789012", "AWSReservedSSO_Ops_0123456789abcdef/alice@example.com"],
            "aws:123456789012:sso/AWSReservedSSO_Ops_0123456789abcdef/alice@example.com",
            [None, Some("alice@example.com")],
        );
        check(
            "AIDAX",
            "arn:aws-cn:iam::000000000000:user/bots/ci/builder",
            ["user", "000000000000", "builder"],
            "aws:000000000000:user/builder",
            [None, None],
        );
    }

    #[test]
    fn who_shares_a_role_is_one_agent_and_sso_sessions_are_not() {
        let id = |role: &str, session: &str| {
            let arn = format!("arn:aws:sts::123456789012:assumed-role/{role}/{session}");
            Agent::from_iam(&call(&iam("123456789012", &format!("AROAX:{session}"), &arn), None)).unwrap().id
        };
        assert_eq!(id("deploy", "a1"), id("deploy", "b2"));
        assert_ne!(id("AWSReservedSSO_Ops_ab", "a1"), id("AWSReservedSSO_Ops_ab", "b2"));
    }

    #[test]
    fn everybody_else_is_refused() {
        fn check(authorizer: Value, status: u16) {
            let problem = Agent::from_iam(&call(&authorizer, None)).unwrap_err();
            assert_eq!(problem.status(), status, "{authorizer}: {problem}");
        }
        let check_arn =
            |caller: &str, arn: &str, status: u16| check(iam("123456789012", caller, arn), status);
        check(Value::Null, 401);
        check(json!({}), 401);
        check(json!({"jwt": {"claims": {"sub": "x"}}}), 401);
        let role = "arn:aws:sts::123456789012:assumed-role/deploy/ci";
        let mut both = iam("123456789012", "AROAX:ci", role);
        both["jwt"] = json!({"claims": {}});
        check(both, 401);
        check(json!({"iam": {"accountId": "123456789012", "userArn": role}}), 401);
        check(iam("123456789013", "AROAX:ci", role), 401);
        check(iam("000000000000", "000000000000", "arn:aws:iam::000000000000:root"), 403);
        check_arn("123456789012", "arn:aws:iam::123456789012:root", 403);
        check_arn("AIDAX", "arn:aws-cn:iam::123456789012:root", 403);
        check_arn("123456789012", role, 403);
        check_arn("123456789012:bob", "arn:aws:sts::123456789012:federated-user/bob", 403);
        check_arn("AROAX:other", role, 401);
        check_arn("AROAX", role, 401);
        check_arn("AROAX:ci", "arn:aws:sts::123456789012:assumed-role/deploy", 401);
        check_arn("AROAX:ci", "arn:aws:sts::123456789012:assumed-role/deploy/x/ci", 401);
        check_arn("AROAX:", "arn:aws:sts::123456789012:assumed-role/deploy/", 401);
        check_arn("AROAX:ci", "arn:aws:sts::123456789012:assumed-role/de ploy/ci", 401);
        check_arn("AROAX:ci", "arn:aws:iam::123456789012:assumed-role/deploy/ci", 401);
        check_arn("AROAX:ci", "arn:aws:sts:eu-west-1:123456789012:assumed-role/deploy/ci", 401);
        check_arn("AROAX:ci", "arn:aws:sts::123456789012:assumed-role/deploy/ci:x", 401);
        check_arn("AROAX:ci", "arn:evil:sts::123456789012:assumed-role/deploy/ci", 401);
        check_arn("AROAX", "arn:aws:iam::123456789012:role/deploy", 401);
        check_arn("AIDAX", "arn:aws:iam::123456789012:user/", 401);
        check_arn("AIDAX", "arn:aws:iam::123456789012:user", 401);
        check_arn("AIDAX", "", 401);
        check(iam("12345", "AROAX:ci", "arn:aws:sts::12345:assumed-role/deploy/ci"), 401);
    }

    #[test]
    fn another_authorization_on_an_iam_route_is_refused() {
        fn check(authorization: &str, ok: bool) {
            let role = iam("123456789012", "AROAX:ci", "arn:aws:sts::123456789012:assumed-role/deploy/ci");
            for authorizer in [role, Value::Null] {
                let agent = Agent::from_iam(&call(&authorizer, Some(authorization)));
                assert_eq!(agent.is_ok(), ok && !authorizer.is_null(), "{authorization}");
            }
        }
        check("AWS4-HMAC-SHA256 Credential=…", true);
        check("AWS4-ECDSA-P256-SHA256 Credential=…", true);
        check("Bearer x", false);
        check("bearer x", false);
        check("", false);
        check("Bearer x,AWS4-HMAC-SHA256 Credential=…", false);
    }

    #[test]
    fn a_token_names_its_issuer_and_subject() {
        let token = VerifiedToken {
            issuer: "https://idp.example".into(),
            subject: "build-bot".into(),
            auth_time: None,
            scopes: Default::default(),
            amr: Default::default(),
            acr: None,
        };
        let agent = Agent::from_token(&token);
        assert_eq!(agent.id, AgentId::of("oidc", "https://idp.example", "build-bot"));
        assert_eq!(agent.name, "oidc:https://idp.example#build-bot");
    }
}
