mod common;
use countersign_chat::slack::client::*;
use countersign_chat::slack::identity::*;
use countersign_chat::slack::interaction::*;
use countersign_chat::slack::signature::*;
use countersign_chat::slack::{Chat, SlackClient, render};
use countersign_domain::Time;
use serde_json::Value;
#[test]
fn received() {
    let all: Value =
        serde_json::from_str(&std::fs::read_to_string("/tmp/chatlook/received.json").unwrap()).unwrap();
    for r in all.as_array().unwrap() {
        let s = |n: &str| r[n].as_str().unwrap();
        let now = Time::from_millis(s("ts").parse::<i64>().unwrap() * 1000);
        let v = verify(
            &SigningSecret::new(s("secret")).unwrap(),
            Some(s("ts")),
            Some(s("sig")),
            s("body").as_bytes(),
            now,
        )
        .unwrap();
        println!("{:?}", parse(v));
    }
    let users: Value =
        serde_json::from_str(&std::fs::read_to_string("/tmp/chatlook/users.json").unwrap()).unwrap();
    for u in users.as_array().unwrap() {
        let id = u[0].as_str().unwrap();
        let team = u[1]["user"]["team_id"].as_str().unwrap_or("T0COUNTER");
        let by = By {
            user: SlackUser { team: team.into(), enterprise: None, id: id.into() },
            app: "A0COUNTER".into(),
        };
        println!(
            "{id} {:?}",
            identify(
                &u[1],
                &Workspace { team: "T0COUNTER".into(), enterprise: None, app: "A0COUNTER".into() },
                &by
            )
        );
    }
}
#[tokio::test]
async fn live() {
    let Ok(base) = std::env::var("STANDIN") else { return };
    let c =
        SlackClient::new(&base, BotToken::new(&std::env::var("TOKEN").unwrap()).unwrap(), TIMEOUT).unwrap();
    let m = render(&common::card());
    let p = c.post("C0APPROVALS", &m).await.unwrap();
    println!("{p:?}");
    println!("{:?}", c.update(&p, &m).await);
    println!("{:?}", c.ephemeral("C0APPROVALS", "U0ALICE", "<no> & more").await);
    println!("{:?}", c.users_info("U0ALICE").await.map(|v| v["user"]["id"].clone()));
    println!("{:?}", c.users_info("U0NONE").await);
    println!("{:?}", c.post("C0ABSENT", &m).await);
    println!(
        "{:?}",
        c.open_view("1.2.3", &countersign_chat::slack::modals::View(serde_json::json!({}))).await
    );
    let bad = SlackClient::new(&base, BotToken::new("xoxb-bad").unwrap(), TIMEOUT).unwrap();
    println!("{:?}", bad.post("C0APPROVALS", &m).await);
}
