//! Whether a Slack account is a full member of our own workspace, and by which alias people.toml may know it.
//!
//! Pure judgement over the answer of `users.info`. It does not know people: an account that passes is nobody until
//! its alias is found. What Slack does not say counts against the account.

use serde_json::Value;

use crate::slack::about::is_slack_id;
use crate::slack::interaction::By;

/// The workspace and app that this installation belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The workspace's id.
    pub team: String,
    /// The enterprise's id, where the workspace belongs to one. Then every workspace of the enterprise is ours.
    pub enterprise: Option<String>,
    /// The app's id.
    pub app: String,
}

/// An account that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackIdentity {
    /// `slack:<enterprise or workspace id>/<user id>`, as people.toml writes it.
    pub alias: String,
    /// The enterprise or workspace that vouches for the account.
    pub workspace: String,
    /// The account.
    pub user: String,
}

/// Why an account may not act here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The payload is for another app.
    #[error("this was sent for another Slack app")]
    OtherApp,
    /// The account, or the payload, belongs elsewhere, e.g. to the other side of a shared channel.
    #[error("this account does not belong to our Slack workspace")]
    OtherWorkspace,
    /// Slack answered about another account.
    #[error("Slack answered about another account")]
    OtherUser,
    /// The account is of a kind that never decides.
    #[error("{0} may not decide")]
    Kind(&'static str),
    /// Slack's answer lacks what the judgement needs.
    #[error("Slack's answer about the account lacks {0}")]
    Incomplete(&'static str),
}

/// Each flag, whether Slack leaves it out where it is false, and what an account with it is.
const FLAGS: [(&str, bool, &str); 7] = [
    ("deleted", false, "a deactivated account"),
    ("is_bot", false, "a bot"),
    ("is_restricted", false, "a guest"),
    ("is_ultra_restricted", false, "a guest"),
    ("is_stranger", true, "an account of another organisation"),
    ("is_workflow_bot", true, "a workflow"),
    ("is_invited_user", true, "an account that was never used"),
];

/// Judges the account that acted (`by`) with Slack's answer to `users.info` about it.
///
/// # Errors
/// [`IdentityError`]: it may not act.
pub fn identify(users_info: &Value, ours: &Workspace, by: &By) -> Result<SlackIdentity, IdentityError> {
    if by.app != ours.app {
        return Err(IdentityError::OtherApp);
    }
    let user = users_info.get("user").filter(|_| users_info["ok"] == true);
    let user = user.ok_or(IdentityError::Incomplete("user"))?;
    if user["id"] != by.user.id.as_str() || !is_slack_id(&by.user.id) || by.user.id == "USLACKBOT" {
        return Err(IdentityError::OtherUser);
    }
    let workspace = match &ours.enterprise {
        Some(enterprise) => {
            let home = &user["enterprise_user"]["enterprise_id"];
            (by.user.enterprise.as_ref() == Some(enterprise) && home == enterprise.as_str())
                .then_some(enterprise)
        }
        None => (by.user.team == ours.team && user["team_id"] == ours.team.as_str()).then_some(&ours.team),
    };
    let workspace = workspace.ok_or(IdentityError::OtherWorkspace)?.clone();
    for (flag, may_be_absent, kind) in FLAGS {
        match user.get(flag) {
            Some(Value::Bool(false)) => {}
            None if may_be_absent => {}
            Some(Value::Bool(true)) => return Err(IdentityError::Kind(kind)),
            _ => return Err(IdentityError::Incomplete(flag)),
        }
    }
    let user = by.user.id.clone();
    Ok(SlackIdentity { alias: format!("slack:{workspace}/{user}"), workspace, user })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::interaction::SlackUser;
    use serde_json::json;

    fn member() -> Value {
        json!({ "ok": true, "user": {
            "id": "U0ALICE", "team_id": "T0OURS", "deleted": false, "is_bot": false, "is_restricted": false,
            "is_ultra_restricted": false, "is_app_user": false,
            "enterprise_user": { "enterprise_id": "E0OURS", "id": "U0ALICE" },
        }})
    }

    fn by() -> By {
        let user = SlackUser { team: "T0OURS".into(), enterprise: None, id: "U0ALICE".into() };
        By { user, app: "A0OURS".into() }
    }

    fn ours(enterprise: Option<&str>) -> Workspace {
        Workspace { team: "T0OURS".into(), enterprise: enterprise.map(str::to_owned), app: "A0OURS".into() }
    }

    #[test]
    fn only_full_members_of_our_workspace_pass() {
        fn check(pointer: &str, value: Value, expect: Result<&str, IdentityError>) {
            let mut info = member();
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            info.pointer_mut(parent).unwrap()[field] = value;
            let alias = identify(&info, &ours(None), &by()).map(|identity| identity.alias);
            assert_eq!(alias, expect.map(str::to_owned), "{pointer}");
        }
        check("/user/name", json!("anything"), Ok("slack:T0OURS/U0ALICE"));
        check("/user/deleted", json!(true), Err(IdentityError::Kind("a deactivated account")));
        check("/user/is_bot", json!(true), Err(IdentityError::Kind("a bot")));
        check("/user/is_restricted", json!(true), Err(IdentityError::Kind("a guest")));
        check("/user/is_ultra_restricted", json!(true), Err(IdentityError::Kind("a guest")));
        let stranger = Err(IdentityError::Kind("an account of another organisation"));
        check("/user/is_stranger", json!(true), stranger);
        check("/user/is_stranger", json!(false), Ok("slack:T0OURS/U0ALICE"));
        check("/user/is_workflow_bot", json!(true), Err(IdentityError::Kind("a workflow")));
        check("/user/deleted", json!(null), Err(IdentityError::Incomplete("deleted")));
        check("/user/is_bot", json!("false"), Err(IdentityError::Incomplete("is_bot")));
        check("/user/is_restricted", json!(0), Err(IdentityError::Incomplete("is_restricted")));
        check("/user/team_id", json!("T0THEIRS"), Err(IdentityError::OtherWorkspace));
        check("/user/team_id", json!(null), Err(IdentityError::OtherWorkspace));
        check("/user/id", json!("U0BOB"), Err(IdentityError::OtherUser));
        check("/ok", json!(false), Err(IdentityError::Incomplete("user")));
    }

    #[test]
    fn what_the_payload_says_must_agree() {
        fn check(enterprise: Option<&str>, change: impl Fn(&mut By), expect: Result<&str, IdentityError>) {
            let mut by = by();
            change(&mut by);
            let alias = identify(&member(), &ours(enterprise), &by).map(|identity| identity.alias);
            assert_eq!(alias, expect.map(str::to_owned), "{by:?}");
        }
        check(None, |by| by.app = "A0THEIRS".into(), Err(IdentityError::OtherApp));
        check(None, |by| by.user.team = "T0THEIRS".into(), Err(IdentityError::OtherWorkspace));
        check(None, |by| by.user.id = "U0BOB".into(), Err(IdentityError::OtherUser));
        let in_enterprise = |by: &mut By| by.user.enterprise = Some("E0OURS".into());
        check(Some("E0OURS"), in_enterprise, Ok("slack:E0OURS/U0ALICE"));
        check(Some("E0OURS"), |_| {}, Err(IdentityError::OtherWorkspace));
        check(Some("E0THEIRS"), in_enterprise, Err(IdentityError::OtherWorkspace));
        check(
            Some("E0OURS"),
            |by| by.user.enterprise = Some("E0THEIRS".into()),
            Err(IdentityError::OtherWorkspace),
        );
    }

    #[test]
    fn a_flag_that_is_not_given_counts_against_the_account() {
        for (flag, may_be_absent, _) in FLAGS {
            let mut info = member();
            info["user"].as_object_mut().unwrap().remove(flag);
            assert_eq!(identify(&info, &ours(None), &by()).is_ok(), may_be_absent, "{flag}");
        }
    }
}
