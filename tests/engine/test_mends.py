"""Each mend is needed and works: one probe for each, asked of an engine with all mends and of one without that mend."""

import json
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from engine.mends import ALL as MENDS
from testkit import allow, running, until


def code_of(call, **arguments) -> str:
    """The error code of an API call, or "ok"."""
    try:
        call(**arguments)
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]


# The probes. Each returns what it saw.

def object_lock(engine):
    bucket, s3 = engine.name("bucket"), engine.client("s3")
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {
        "BucketName": bucket, "ObjectLockEnabled": True, "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}}}}}
    cloudformation = engine.client("cloudformation")
    cloudformation.create_stack(StackName=bucket, TemplateBody=json.dumps(template))
    until(lambda: cloudformation.describe_stacks(StackName=bucket)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    version = s3.put_object(Bucket=bucket, Key="checkpoint", Body=b"1").get("VersionId", "null")
    return code_of(s3.delete_object, Bucket=bucket, Key="checkpoint", VersionId=version)


def failing_task(engine, task, **settings):
    machine = engine.state_machine({"Task": {**task, **settings, "End": True}})
    return engine.ended(engine.start(machine))["error"]


def callback_errors(engine):
    function = engine.function("class Unavailable(Exception): pass\ndef handle(event): raise Unavailable('no')")
    return failing_task(engine, function.task, TimeoutSeconds=1)


def heartbeat(engine):
    return failing_task(engine, engine.function("def handle(event): pass").task, HeartbeatSeconds=1, TimeoutSeconds=2)


def waiting_token(engine, machine_states=None, role=None):
    """A running execution that waits, its state machine and its token."""
    function = engine.function("def handle(event): note(event)")
    machine = engine.state_machine({"Task": {**function.task, "TimeoutSeconds": 30, "End": True}}, role=role)
    execution = engine.start(machine)
    return execution, machine, until(function.notes)[0]["token"]


def closed_tokens(engine):
    states = engine.client("stepfunctions")
    answered, _, first = waiting_token(engine)
    states.send_task_success(taskToken=first, output="{}")
    engine.ended(answered)
    stopped, _, second = waiting_token(engine)
    states.stop_execution(executionArn=stopped)
    return [code_of(states.send_task_success, taskToken=token, output="{}") for token in (first, second, "garbage")]


def attempt_tokens(engine):
    function = engine.function("def handle(event):\n    note(event)\n    if event['retry'] == 0: raise ValueError('first')")
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 0, "MaxAttempts": 1}]
    engine.start(engine.state_machine({"Task": {**function.task, "Retry": retry, "TimeoutSeconds": 30, "End": True}}))
    until(lambda: len(function.notes()) == 2)
    first, second = (note["token"] for note in function.notes())
    return first != second, len(second) > 500


def latency(engine):
    function = engine.function("def handle(event): return 1")
    times = []
    for _ in range(15):
        start = time.monotonic()
        engine.client("lambda").invoke(FunctionName=function.name, Payload=b"{}")
        times.append(time.monotonic() - start)
    return min(times) < 0.04


def stream_failures(engine):
    function = engine.function(
        "def handle(event):\n"
        "    keys = [record['dynamodb']['Keys']['sk']['S'] for record in event['Records']]\n"
        "    note(keys)\n"
        "    bad = [r for r, key in zip(event['Records'], keys) if key == 'bad']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': r['dynamodb']['SequenceNumber']} for r in bad]}")
    table, stream = engine.table()
    queue, queue_arn = engine.queue()
    engine.put(table, "a", "bad", "b")
    engine.mapping(function, stream, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True,
                   FunctionResponseTypes=["ReportBatchItemFailures"], DestinationConfig={"OnFailure": {"Destination": queue_arn}})
    until(function.notes)
    letters = engine.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", [])
    if letters:
        until(lambda: function.notes()[-1] == ["b"])
    return function.notes(), [json.loads(letter["Body"])["requestContext"]["condition"] for letter in letters]


def token_rights(engine):
    _, machine, token = waiting_token(engine)
    other = engine.assume(engine.role(allow("states:SendTaskSuccess", resource=machine + "-other")))
    own = engine.assume(engine.role(allow("states:SendTaskSuccess", resource=machine)))
    return [code_of(engine.client("stepfunctions", keys).send_task_success, taskToken=token, output="{}") for keys in (other, own)]


def task_role(engine):
    function = engine.function("def handle(event): return 1")
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function.arn}, "End": True}
    roles = (allow("lambda:InvokeFunction", resource=function.arn), allow("lambda:InvokeFunction", resource=function.arn + "x"))
    machines = [engine.state_machine({"Task": task}, role=engine.role(role)) for role in roles]
    return [engine.ended(engine.start(machine))["status"] for machine in machines]


def invoke_permission(engine):
    function = engine.function("def handle(event): return {'statusCode': 200, 'body': 'reached'}")
    url = engine.http_api(function, "GET /x")
    seen = [status(url + "/x")]
    policy = json.loads(engine.client("lambda").get_policy(FunctionName=function.name)["Policy"])
    engine.client("lambda").remove_permission(FunctionName=function.name, StatementId=policy["Statement"][0]["Sid"])
    function.permit("apigateway.amazonaws.com", policy["Statement"][0]["Condition"]["ArnLike"]["AWS:SourceArn"][:-1] + "*/POST/x")
    return [*seen, status(url + "/x")]


def status(url, **headers) -> int:
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status
    except urllib.error.HTTPError as error:
        return error.code


def request_cookies(engine):
    function = engine.function("def handle(event): note(event)")
    status(engine.http_api(function, "GET /x") + "/x", Cookie="state=1; nonce=2")
    [event] = function.notes()
    return event.get("cookies"), event["headers"].get("cookie")


def bearer_on_iam(engine):
    function = engine.function("def handle(event): return {'statusCode': 200, 'body': 'reached'}")
    url = engine.http_api(function, "GET /x", AuthorizationType="AWS_IAM")
    return status(url + "/x", Authorization="Bearer x")


def filter_patterns(engine):
    function, (_, stream) = engine.function("def handle(event): pass"), engine.table()
    return [code_of(engine.mapping, function=function, stream=stream, FilterCriteria={"Filters": [{"Pattern": pattern}]})
            for pattern in ('{"eventName":["INSERT"]}', '{"eventName":["INSERT"]')]


def mapping_role(engine):
    _, stream = engine.table()
    reads = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
    roles = [engine.role(allow(*reads, resource=stream)), engine.role(allow(*reads[:2], resource=stream))]
    return [code_of(engine.mapping, function=engine.function("def handle(event): pass", role=role), stream=stream) for role in roles]


def schedule_pace(engine):
    function, events, rule = engine.function("def handle(event): note(event)"), engine.client("events"), engine.name("rule")
    function.permit("events.amazonaws.com", events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)")["RuleArn"])
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": function.arn, "Input": '{"sweep":true}'}])
    end = time.monotonic() + 3
    while not function.notes() and time.monotonic() < end:
        time.sleep(0.05)
    return function.notes()[:1]


def loopback_tls(engine):
    s3, bucket = engine.client("s3"), engine.name("bucket")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    policy = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*",
              "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]}))
    keys = engine.assume(engine.role(allow("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*")))
    return code_of(engine.client("s3", keys).put_object, Bucket=bucket, Key="a", Body=b"x")


def signing_conditions(engine):
    """One algorithm is allowed, by the role and by the key, and then another."""
    seen = []
    for algorithm in ("ED25519_SHA_512", "ED25519_PH_SHA_512"):
        condition = {"StringEquals": {"kms:SigningAlgorithm": algorithm, "kms:MessageType": "RAW"}}
        role = engine.role({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "kms:Sign", "Resource": "*", "Condition": condition}]})
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "kms:Sign", "Resource": "*", "Condition": condition}]}
        key = engine.client("kms").create_key(
            KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY", Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
        sign = engine.client("kms", engine.assume(role)).sign
        seen.append(code_of(sign, KeyId=key, Message=b"note", MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"))
    return seen


def object_rights(engine):
    bucket = engine.name("bucket")
    engine.client("s3").create_bucket(
        Bucket=bucket, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def check(operation, *rights, **arguments):
        s3 = engine.client("s3", engine.assume(engine.role(allow(*rights))))
        return code_of(getattr(s3, operation), Bucket=bucket, Key="a", **arguments)

    locked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"}
    return [
        check("get_object", "s3:GetObject"), check("get_object", "s3:GetObject", "s3:ListBucket"),
        check("put_object", "s3:PutObject", Tagging="partial=true"), check("put_object", "s3:PutObject", **locked),
        check("put_object", "s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectRetention", Tagging="partial=true", **locked),
        check("get_object", "s3:GetObject")]


# Probe, what it sees with all mends, what it sees without its own.
PROBES = {
    object_lock: ("AccessDenied", "ok"),
    callback_errors: ("Unavailable", "States.Timeout"),
    heartbeat: ("States.HeartbeatTimeout", "States.Timeout"),
    attempt_tokens: ((True, True), (False, False)),
    closed_tokens: (["TaskTimedOut", "TaskTimedOut", "InvalidToken"], ["TaskDoesNotExist", "ok", "TaskDoesNotExist"]),
    latency: (True, False),
    stream_failures: (([["a", "bad", "b"], ["bad", "b"], ["bad"], ["bad"], ["b"]], ["RetryAttemptsExhausted"]),
                      ([["a", "bad", "b"]], [])),
    token_rights: (["AccessDeniedException", "ok"], ["AccessDeniedException", "AccessDeniedException"]),
    task_role: (["SUCCEEDED", "FAILED"], ["SUCCEEDED", "SUCCEEDED"]),
    invoke_permission: ([200, 500], [200, 200]),
    request_cookies: ((["state=1", "nonce=2"], None), (None, "state=1; nonce=2")),
    bearer_on_iam: (403, 200),
    filter_patterns: (["ok", "InvalidParameterValueException"], ["ok", "ok"]),
    mapping_role: (["ok", "InvalidParameterValueException"], ["ok", "ok"]),
    schedule_pace: ([{"sweep": True}], []),
    loopback_tls: ("ok", "AccessDenied"),
    signing_conditions: (["ok", "AccessDeniedException"], ["AccessDeniedException", "AccessDeniedException"]),
    object_rights: (["AccessDenied", "NoSuchKey", "AccessDenied", "AccessDenied", "ok", "ok"],
                    ["NoSuchKey", "NoSuchKey", "ok", "ok", "ok", "ok"]),
}
ROWS = [pytest.param(probe, *expected, id=probe.__name__) for probe, expected in PROBES.items()]


def test_every_mend_has_a_probe():
    assert sorted(probe.__name__ for probe in PROBES) == sorted(MENDS)


@pytest.mark.parametrize("probe, mended, stock", ROWS)
def test_mended(engine, probe, mended, stock):
    assert probe(engine) == mended


@pytest.mark.parametrize("probe, mended, stock", ROWS)
def test_the_gap_is_there_without_the_mend(tmp_path, probe, mended, stock):
    with running(tmp_path, ENGINE_WITHOUT=probe.__name__, ENGINE_MINUTE_SECONDS="1") as engine:
        assert probe(engine) == stock
