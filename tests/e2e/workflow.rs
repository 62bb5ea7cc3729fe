//! The names of the functions' errors are what the workflow catches by: one that it does not know is tried for hours.

use countersign_tests::{engine, eventually, seconds, stack, unique};
use serde_json::{Value, json};

use crate::shared;

/// Of no request.
const NONE: &str = "req_01KB1Y2Z3M4N5P6Q7R8S9TAVBW";

/// Where the workflow goes, without another try, from an error of a task.
fn end_of(task: &str, error: &str) -> String {
    let workflow: Value = serde_json::from_str(include_str!("../../infra/workflow.asl.json")).unwrap();
    let state = &workflow["States"][task];
    let rule = |rules: &str| {
        let names = |rule: &&Value| rule["ErrorEquals"].as_array().unwrap().contains(&error.into());
        state[rules].as_array().unwrap().iter().find(names).cloned()
    };
    assert_eq!(rule("Retry").map(|r| r["MaxAttempts"].clone()), Some(json!(0)), "{error} of {task}");
    let next = rule("Catch").unwrap()["Next"].as_str().unwrap().to_owned();
    workflow["States"][next]["Error"].as_str().expect("a Fail state").to_owned()
}

/// Starts the workflow with an input of nobody's; how it ended and what its tasks failed with.
async fn fails(input: Value) -> (String, Vec<String>) {
    let arn = stack().output("StateMachineArn");
    let start = json!({"stateMachineArn": arn, "name": unique(), "input": input.to_string()});
    let started = engine::json("states", "AWSStepFunctions.StartExecution", &start).await;
    let which = json!({"executionArn": started["executionArn"]});
    let ended = eventually("it fails at once", seconds(15), async || {
        let now = engine::json("states", "AWSStepFunctions.DescribeExecution", &which).await;
        (now["status"] == "FAILED").then_some(now)
    })
    .await;
    let history = engine::json("states", "AWSStepFunctions.GetExecutionHistory", &which).await;
    let events = history["events"].as_array().expect("a history").clone();
    let failed = events.iter().filter_map(|event| {
        let details = &event["taskFailedEventDetails"];
        details["error"].as_str().map(str::to_owned)
    });
    (ended["error"].as_str().unwrap_or_default().to_owned(), failed.collect())
}

#[tokio::test]
async fn an_execution_of_no_request_ends_at_once() {
    let _stack = shared().await;
    for (input, error) in [
        (json!({"id": NONE, "n": 1}), "RequestNotFound"),
        (json!({"id": "no request", "n": 1}), "InvalidInput"),
    ] {
        let (ended, tried) = fails(input).await;
        assert_eq!(ended, end_of("Review", error));
        assert_eq!(tried, [error], "once, and by the name that the workflow knows");
    }
}

#[tokio::test]
async fn what_the_archiver_refuses_for_good_the_workflow_knows_by_name() {
    let _stack = shared().await;
    for (event, error) in
        [(json!({"seal": NONE}), "RequestNotFound"), (json!({"seal": "no request"}), "InvalidInput")]
    {
        assert_eq!(engine::invoke("Archiver", &event).await["errorType"], error);
        assert_eq!(end_of("Seal", error), "SealRefused");
    }
}
