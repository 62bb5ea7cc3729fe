//! `cargo xtask up` and `down`: the real template and our own functions in the local engine, with the stand-ins.

use std::thread::scope;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::process::{self, Services, end_all_on_signal, end_left_behind};
use crate::repo::{Place, shown};
use crate::services::{self, REGION};
use crate::stack::{Stack, api_url};
use crate::tools::{self, Tools};
use crate::ui::Board;
use crate::{build, deploy, environments, http, policy};

/// How to bring the stack up.
#[derive(Args, Debug)]
pub struct Options {
    /// End what runs and start again, with the functions built again
    #[arg(long)]
    fresh: bool,
}

/// Brings the stack up and leaves it running.
pub fn run(options: &Options) -> Result<()> {
    end_all_on_signal()?;
    let place = Place::up();
    if !options.fresh
        && process::all_alive(&place)
        && let Ok(stack) = Stack::read(&place)
    {
        println!("already up; `cargo xtask up --fresh` starts again with what has changed");
        print_how_to_try(&stack, &place);
        return Ok(());
    }
    let board = Board::new();
    let tools = tools::find()?;
    if tools.chromium.is_none() {
        board.print("Chromium is not here; open the chat page in a browser of yours");
    }
    let services = Services::take(&place)?;
    prepare(&place, &tools, &board)?;
    let stack = start(&services, &tools, &board)?;
    services.keep()?;
    drop(board);
    print_how_to_try(&stack, &place);
    Ok(())
}

/// Ends what `up` started, and what an xtask that was killed left behind.
pub fn down() {
    let ended = end_left_behind();
    if ended.is_empty() {
        println!("nothing was running");
    } else {
        println!("ended {}", ended.join(", "));
    }
}

/// Packages and functions, all at once.
pub fn prepare(place: &Place, tools: &Tools, board: &Board) -> Result<()> {
    scope(|threads| {
        let python = threads.spawn(|| {
            board.phase("python packages", |line| environments::prepare_python(place, tools, line))
        });
        let node =
            threads.spawn(|| board.phase("node packages", |line| environments::prepare_node(place, line)));
        let built = board.phase("build functions", |line| build::all(place, line));
        joined(python).and(joined(node)).and(built)
    })
}

/// Starts all services and deploys the template; everything must be prepared. On an error, and unless the
/// services are kept, all ends with `services`.
pub fn start(services: &Services, tools: &Tools, board: &Board) -> Result<Stack> {
    let place = services.place();
    let port = services::free_port()?;
    let engine_url = format!("http://127.0.0.1:{port}");
    let proxy = services::proxy(services, "proxy", &engine_url)?;

    let (engine, template, chat) = scope(|threads| {
        let chat = threads.spawn(|| board.phase("chat and sign-in", |_| services::chat(services)));
        let template = threads.spawn(|| {
            board.phase("translate the template", |line| {
                deploy::prepare(place, &build::stripped(place)?, line)
            })
        });
        let engine = board.phase("engine", |_| services::engine(services, port, &proxy.url));
        (engine, joined(template), joined(chat))
    });
    engine.and(template)?;
    let chat = chat?;
    let slack_proxy = services::proxy(services, "slack-proxy", &chat.slack_url)?;
    policy::copy(&services::policy_source(), &place.policy(), &[("OIDC", &chat.oidc_url)])?;

    let secret = chat.secret;
    let text = |name: &str| secret[name].as_str().unwrap_or_default().to_owned();
    let (slack_signing_secret, slack_bot_token) = (text("signing_secret"), text("bot_token"));
    let parameters = [
        ("SlackApiBase", format!("{}/api", slack_proxy.url)),
        ("ReviewIssuer", chat.oidc_url.clone()),
        ("PolicyDir", place.policy().display().to_string()),
        ("CertificateFile", tools::certificate_file()?.display().to_string()),
        ("RetentionDays", "1".to_owned()),
        ("DeletionProtection", "false".to_owned()),
    ];
    let outputs = board.phase("deploy the template", |line| {
        deploy::deploy(place, &engine_url, &secret, &parameters, line)
    })?;
    let output = |name: &str| {
        outputs.get(name).map(String::as_str).with_context(|| format!("the template has no output {name}"))
    };
    let stack = Stack {
        agents_api: api_url(&engine_url, output("AgentsApiId")?),
        review_api: api_url(&engine_url, output("ReviewersApiId")?),
        engine_url,
        proxy_url: proxy.url,
        proxy_control_url: proxy.control_url,
        slack_url: chat.slack_url,
        slack_proxy_url: slack_proxy.url,
        slack_proxy_control_url: slack_proxy.control_url,
        oidc_url: chat.oidc_url,
        region: REGION.to_owned(),
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
        stack_name: deploy::STACK_NAME.to_owned(),
        deployed: place.scratch(),
        outputs,
        policy_dir: place.policy(),
        slack_signing_secret,
        slack_bot_token,
        cli: build::cli()?,
        python: environments::python(),
        chromium: tools.chromium.clone(),
    };
    board.phase("first answers", |_| {
        let review = &stack.review_api;
        let addresses = json!({
            "interactions_url": format!("{review}/slack/interactions"),
            "events_url": format!("{review}/slack/events"),
        });
        http::post(&format!("{}/_standin/config", stack.slack_url), &addresses)?;
        for api in [&stack.agents_api, review] {
            let health = format!("{api}/healthz");
            http::get(&health)?;
        }
        Ok(())
    })?;
    stack.write(place)?;
    Ok(stack)
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn print_how_to_try(stack: &Stack, place: &Place) {
    println!(
        "
  chat page      {slack}
  sign-in        {oidc}
  agents' API    {agents}
  reviewers' API {review}
  engine         {engine}   (all of this: {file}; logs: {logs})

Be an agent (paste into a shell):

  export COUNTERSIGN_URL='{agents}' COUNTERSIGN_REVIEW_URL='{review}'
  export AWS_REGION={region} $({python} tests/engine/agent.py --url {engine} --stack {stack} sync-agent)
  {cli} request --action s3.sync --target s3://demo-target/users/ \\
    --arguments '{{\"source\":\"s3://demo-source/users/\"}}' --justification 'move the users' --wait

and decide on the chat page, channel #data, as one of alice, bob and carol. More: {cli} --help
End all: cargo xtask down",
        stack = stack.stack_name,
        slack = stack.slack_url,
        oidc = stack.oidc_url,
        agents = stack.agents_api,
        review = stack.review_api,
        engine = stack.engine_url,
        region = stack.region,
        file = shown(&place.stack_json()),
        logs = shown(&place.dir().join("log")),
        python = shown(&stack.python),
        cli = shown(&stack.cli),
    );
}
