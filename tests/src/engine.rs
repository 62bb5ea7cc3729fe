//! Looks into the engine, as the root of its account: what is stored, what ran, and functions called directly.

use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use countersign_tlog::Bundle;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::http::{Answer, Call};
use crate::stack;

/// A sweep looks at all that is due, whoever rang it.
const BETWEEN_SWEEPS: Duration = Duration::from_millis(300);

/// The root of the engine's account.
pub fn root() -> Credentials {
    let stack = stack();
    Credentials::new(&stack.access_key_id, &stack.secret_access_key, None, None, "local")
}

/// A call of a JSON service, e.g. `("dynamodb", "DynamoDB_20120810.GetItem")`.
pub async fn json(service: &str, target: &str, body: &Value) -> Value {
    let version = if ["dynamodb", "states", "sqs"].contains(&service) { "1.0" } else { "1.1" };
    let call = Call {
        method: reqwest::Method::POST,
        url: format!("{}/", stack().engine_url),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    let call =
        call.with("content-type", &format!("application/x-amz-json-{version}")).with("x-amz-target", target);
    call.signed(&root(), service).send().await.expect(200)
}

/// A call of a query service (STS, IAM); the answer is XML.
pub async fn query(service: &str, parameters: &[(&str, &str)]) -> String {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let call = Call {
        method: reqwest::Method::POST,
        url: format!("{}/", stack().engine_url),
        headers: Vec::new(),
        body: body.into_bytes(),
    };
    let call = call.with("content-type", "application/x-www-form-urlencoded");
    let answer = call.signed(&root(), service).send().await;
    String::from_utf8_lossy(&answer.bytes).into_owned()
}

/// Calls a function directly, as whoever may invoke it can.
pub async fn invoke(function: &str, event: &Value) -> Value {
    let name = stack().output(&format!("{function}FunctionName"));
    let url = format!("{}/2015-03-31/functions/{name}/invocations", stack().engine_url);
    Call::post(url, event).signed(&root(), "lambda").send().await.expect(200)
}

/// Rings relay's sweep, unless another test is just doing so or has just done so: who waits for it rings again.
pub async fn sweep() {
    static LAST: Mutex<Option<Instant>> = Mutex::const_new(None);
    let Ok(mut last) = LAST.try_lock() else { return };
    if last.is_none_or(|last| last.elapsed() >= BETWEEN_SWEEPS) {
        invoke("Relay", &json!({"sweep": true})).await;
        *last = Some(Instant::now());
    }
}

/// Waits until the request's first execution has ended well.
pub async fn workflow_ends(id: &str) {
    let ended = async || (execution(id).await == "SUCCEEDED").then_some(());
    crate::eventually(&format!("the workflow of {id} ends"), crate::seconds(20), ended).await;
}

/// Every item of a partition of the table, in order.
pub async fn partition(key: &str) -> Vec<Value> {
    let body = json!({
        "TableName": stack().output("TableName"), "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": key}},
    });
    let answer = json("dynamodb", "DynamoDB_20120810.Query", &body).await;
    answer["Items"].as_array().cloned().unwrap_or_default()
}

/// Every item of a table.
pub async fn items(table: &str) -> Vec<Value> {
    let (mut items, mut from) = (Vec::new(), Value::Null);
    loop {
        let mut body = json!({"TableName": table, "ConsistentRead": true});
        if !from.is_null() {
            body["ExclusiveStartKey"] = from;
        }
        let page = json("dynamodb", "DynamoDB_20120810.Scan", &body).await;
        items.extend(page["Items"].as_array().cloned().unwrap_or_default());
        from = page["LastEvaluatedKey"].clone();
        if from.is_null() {
            return items;
        }
    }
}

/// Has a table that holds these items hold those, as a restore of an older copy of it does.
pub async fn restore(table: &str, from: &[Value], to: &[Value]) {
    let key = |item: &Value| json!({"pk": item["pk"], "sk": item["sk"]});
    for gone in from.iter().filter(|item| !to.iter().any(|kept| key(kept) == key(item))) {
        let body = json!({"TableName": table, "Key": key(gone)});
        json("dynamodb", "DynamoDB_20120810.DeleteItem", &body).await;
    }
    for item in to.iter().filter(|item| !from.contains(item)) {
        let body = json!({"TableName": table, "Item": item});
        json("dynamodb", "DynamoDB_20120810.PutItem", &body).await;
    }
}

/// The recorded leaves of a request, in order, as exact bytes.
pub async fn leaves(id: &str) -> Vec<Vec<u8>> {
    leaves_of(&partition(&format!("REQ#{id}")).await)
}

/// The leaves among these items of one partition.
pub fn leaves_of(items: &[Value]) -> Vec<Vec<u8>> {
    let leaves = items.iter().filter_map(|item| item["leaf"]["B"].as_str());
    leaves.map(|text| data_encoding::BASE64.decode(text.as_bytes()).expect("base64")).collect()
}

/// The types of a request's events, in order.
pub async fn kinds(id: &str) -> Vec<String> {
    let leaves = leaves(id).await;
    let kind = |leaf: &Vec<u8>| {
        serde_json::from_slice::<Value>(leaf).expect("JSON")["type"].as_str().map(str::to_owned)
    };
    leaves.iter().filter_map(kind).collect()
}

/// How the request's first execution stands.
pub async fn execution(id: &str) -> String {
    let arn = stack().output("StateMachineArn").replace(":stateMachine:", ":execution:");
    let body = json!({"executionArn": format!("{arn}:{id}")});
    let call = Call {
        method: reqwest::Method::POST,
        url: format!("{}/", stack().engine_url),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    let call = call
        .with("content-type", "application/x-amz-json-1.0")
        .with("x-amz-target", "AWSStepFunctions.DescribeExecution");
    let answer = call.signed(&root(), "states").send().await;
    answer.body["status"].as_str().unwrap_or("MISSING").to_owned()
}

/// A call of S3 in the archive bucket.
pub async fn archive(method: reqwest::Method, path_and_query: &str) -> Answer {
    let bucket = stack().output("ArchiveBucketName");
    let url = format!("{}/{bucket}{path_and_query}", stack().engine_url);
    Call { method, ..Call::get(url) }.signed(&root(), "s3").send().await
}

/// The log's name: the first key of the bucket is its newest checkpoint's.
pub async fn origin() -> String {
    let list = archive(reqwest::Method::GET, "?list-type=2&max-keys=1").await;
    let text = String::from_utf8_lossy(&list.bytes).into_owned();
    let key = text.split("<Key>").nth(1).and_then(|part| part.split("</Key>").next()).unwrap_or_default();
    key.trim_end_matches("/checkpoint").to_owned()
}

/// The leaves of a request in the published log, in order.
pub async fn archived(id: &str) -> Vec<Vec<u8>> {
    let origin = origin().await;
    let read = async |path: &str| archive(reqwest::Method::GET, &format!("/{origin}/{path}")).await.bytes;
    let checkpoint = String::from_utf8_lossy(&read("checkpoint").await).into_owned();
    let size = checkpoint.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
    let mut leaves = Vec::new();
    for bundle in (0..).map_while(|index| Bundle::of(index, size)) {
        let bytes = read(&bundle.path()).await;
        leaves.extend(bundle.entries(&bytes).expect("a bundle").into_iter().map(<[u8]>::to_vec));
    }
    let subject = format!("\"subject\":\"{id}\"");
    leaves.retain(|leaf| String::from_utf8_lossy(leaf).contains(&subject));
    leaves
}

/// A queue of its own that hears the stack's topic; its URL.
pub async fn subscribed_queue() -> String {
    let name = format!("heard-{}", crate::unique());
    let arn = format!("arn:aws:sqs:{}:000000000000:{name}", stack().region);
    let topic = stack().output("TopicArn");
    let allowed = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }]});
    let wanted = json!({"QueueName": name, "Attributes": {"Policy": allowed.to_string()}});
    let queue = json("sqs", "AmazonSQS.CreateQueue", &wanted).await;
    let url = queue["QueueUrl"].as_str().unwrap_or_else(|| panic!("no queue: {queue}")).to_owned();
    let subscribe = [
        ("Action", "Subscribe"),
        ("Version", "2010-03-31"),
        ("TopicArn", topic),
        ("Protocol", "sqs"),
        ("Endpoint", &arn),
    ];
    let answer = query("sns", &subscribe).await;
    assert!(answer.contains("SubscriptionArn"), "{answer}");
    url
}

/// What has arrived in a queue and was not read yet.
pub async fn messages(queue: &str) -> Vec<String> {
    let body = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10});
    let answer = json("sqs", "AmazonSQS.ReceiveMessage", &body).await;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().filter_map(|m| m["Body"].as_str().map(str::to_owned)).collect()
}
