"""With AUTH=true the rights of roles hold for all that the product does: what is granted works, what is not is refused."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from testkit import ACCOUNT, REGION, allow, until


def code_of(call, **arguments) -> str:
    try:
        call(**arguments)
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]


def as_role(engine, service, *policies):
    return engine.client(service, engine.assume(engine.role(*policies)))


def item(table, key):
    return {"Put": {"TableName": table, "Item": {"pk": {"S": "p"}, "sk": {"S": key}}}}


def arn_of(table):
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


@pytest.mark.parametrize("actions, code", [
    (["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"], "ok"),
    (["dynamodb:PutItem", "dynamodb:UpdateItem"], "AccessDeniedException"),
    (["dynamodb:TransactWriteItems"], "AccessDeniedException"),
])
def test_a_transaction_needs_the_rights_of_its_parts(engine, actions, code):
    table, _ = engine.table()
    engine.put(table, "b", "c")
    role = as_role(engine, "dynamodb", allow(*actions, resource=arn_of(table)))
    key = {"pk": {"S": "p"}, "sk": {"S": "b"}}
    assert code_of(role.transact_write_items, TransactItems=[
        item(table, "a"),
        {"Update": {"TableName": table, "Key": key, "UpdateExpression": "SET x = :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}}}},
        {"ConditionCheck": {"TableName": table, "Key": {"pk": {"S": "p"}, "sk": {"S": "c"}},
                            "ConditionExpression": "attribute_exists(pk)"}}]) == code


def test_a_cancelled_transaction_names_its_reasons_and_changes_nothing(engine):
    table, _ = engine.table()
    engine.put(table, "b")
    role = as_role(engine, "dynamodb", allow("dynamodb:PutItem", "dynamodb:GetItem", resource=arn_of(table)))
    refused = item(table, "b")
    refused["Put"] |= {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with pytest.raises(role.exceptions.TransactionCanceledException) as raised:
        role.transact_write_items(TransactItems=[item(table, "a"), refused])
    reasons = raised.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == {"pk": {"S": "p"}, "sk": {"S": "b"}}
    assert "Item" not in role.get_item(TableName=table, Key={"pk": {"S": "p"}, "sk": {"S": "a"}}, ConsistentRead=True)


def test_an_index_has_its_own_right(engine):
    name = engine.name("table")
    engine.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in (("pk", "S"), ("due_shard", "S"), ("due", "N"))],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[{"IndexName": "due", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
            {"AttributeName": "due_shard", "KeyType": "HASH"}, {"AttributeName": "due", "KeyType": "RANGE"}]}])
    query = {"TableName": name, "IndexName": "due", "KeyConditionExpression": "due_shard = :d AND due <= :now",
             "ExpressionAttributeValues": {":d": {"S": "due"}, ":now": {"N": "10"}}}
    table_only = as_role(engine, "dynamodb", allow("dynamodb:Query", resource=arn_of(name)))
    with_index = as_role(engine, "dynamodb", allow("dynamodb:Query", resource=arn_of(name) + "/index/due"))
    assert [code_of(role.query, **query) for role in (table_only, with_index)] == ["AccessDeniedException", "ok"]


def test_secrets_topics_queues_and_parameters_by_resource(engine):
    secret = engine.client("secretsmanager").create_secret(Name=engine.name("slack"), SecretString="{}")["ARN"]
    topic = engine.client("sns").create_topic(Name=engine.name("topic"))["TopicArn"]
    queue, queue_arn = engine.queue()
    engine.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    engine.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})})
    seen = []
    for resources in ((secret, topic), (secret + "x", topic + "x")):
        keys = engine.assume(engine.role(
            allow("secretsmanager:GetSecretValue", resource=resources[0]), allow("sns:Publish", resource=resources[1])))
        seen.append([code_of(engine.client("secretsmanager", keys).get_secret_value, SecretId=secret),
                     code_of(engine.client("sns", keys).publish, TopicArn=topic, Message="card")])
    assert seen == [["ok", "ok"], ["AccessDeniedException", "AuthorizationError"]]
    messages = engine.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=2, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in messages] == ["card"]


def test_start_and_describe_by_resource(engine):
    function = engine.function("def handle(event): note(event)")
    machine = engine.state_machine({"Task": {**function.task, "TimeoutSeconds": 30, "End": True}})
    execution = machine.replace(":stateMachine:", ":execution:") + ":*"
    role = as_role(engine, "stepfunctions", allow("states:StartExecution", resource=machine), allow("states:DescribeExecution", resource=execution))
    started = role.start_execution(stateMachineArn=machine, name="req_1", input="{}")["executionArn"]
    assert role.describe_execution(executionArn=started)["status"] == "RUNNING"
    assert code_of(role.stop_execution, executionArn=started) == "AccessDeniedException"
    other = as_role(engine, "stepfunctions", allow("states:StartExecution", resource=machine + "-other"))
    assert code_of(other.start_execution, stateMachineArn=machine) == "AccessDeniedException"


def signed(url, credentials, method="GET", body=b"", **headers):
    """The status and the answer of a SigV4 call of an HTTP API."""
    request = AWSRequest(method, url, data=body, headers={"content-type": "application/json", **headers})
    SigV4Auth(Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]),
              "execute-api", REGION).add_auth(request)
    return plain(url, method, body, **dict(request.headers))


def plain(url, method="GET", body=b"", **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body or None, method=method, headers=headers)) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def test_an_iam_route_knows_the_assumed_role(engine):
    function = engine.function("def handle(event): return {'statusCode': 200, 'body': json.dumps(event)}")
    url = engine.http_api(function, "POST /v1/requests", AuthorizationType="AWS_IAM")
    api = url.split("/")[-2]
    granted = engine.role(allow("execute-api:Invoke", resource=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/$default/POST/v1/requests"))
    status, event = signed(url + "/v1/requests", engine.assume(granted, "run-1"), "POST", b'{"action":"x"}', prefer="wait=1")
    assert status == 200, event
    iam = event["requestContext"]["authorizer"]["iam"]
    role_name = granted.rsplit("/", 1)[1]
    assert iam["userArn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/run-1"
    assert iam["accountId"] == ACCOUNT and iam["callerId"].startswith("AROA") and iam["callerId"].endswith(":run-1")
    assert event["body"] == '{"action":"x"}' and event["headers"]["prefer"] == "wait=1"

    other = engine.role(allow("execute-api:Invoke", resource=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/$default/GET/*"))
    assert signed(url + "/v1/requests", engine.assume(other), "POST", b"{}")[0] == 403
    forged = {**engine.assume(granted), "SecretAccessKey": "x"}
    assert signed(url + "/v1/requests", forged, "POST", b"{}")[0] == 403
    assert plain(url + "/v1/requests", "POST", b"{}")[0] == 403


@pytest.mark.parametrize("body", [b"{}", b'{"action":"other"}'])
def test_a_signature_covers_the_body(engine, body):
    function = engine.function("def handle(event): return {'statusCode': 200, 'body': '1'}")
    url = engine.http_api(function, "POST /x", AuthorizationType="AWS_IAM") + "/x"
    keys = engine.assume(engine.role(allow("execute-api:Invoke")))
    request = AWSRequest("POST", url, data=b"{}", headers={"content-type": "application/json"})
    SigV4Auth(Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]), "execute-api", REGION).add_auth(request)
    assert plain(url, "POST", body, **dict(request.headers))[0] == (200 if body == b"{}" else 403)


def test_a_function_acts_under_its_own_role(engine):
    """With the SDK inside the function: stream mapping, tables, tokens and other functions by its role alone."""
    table, stream = engine.table()
    waiting = engine.function("def handle(event): note(event['token'])")
    machine = engine.state_machine({"Task": {**waiting.task, "TimeoutSeconds": 30, "End": True}})
    callee = engine.function("def handle(event): return {'sealed': event['seal']}")
    role = engine.role(
        allow("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", resource=stream),
        allow("dynamodb:GetItem", resource=arn_of(table)), allow("states:SendTaskSuccess", resource=machine),
        allow("lambda:InvokeFunction", resource=callee.arn))
    relay = engine.function(
        "import boto3\n"
        "from botocore.exceptions import ClientError\n"
        "def handle(event):\n"
        "    key = event['Records'][0]['dynamodb']['Keys']\n"
        "    item = boto3.client('dynamodb').get_item(TableName=os.environ['TABLE'], Key=key)['Item']\n"
        "    sealed = boto3.client('lambda').invoke(FunctionName=os.environ['CALLEE'], Payload=b'{\"seal\":\"req_1\"}')['Payload'].read()\n"
        "    boto3.client('stepfunctions').send_task_success(taskToken=item['token']['S'], output=sealed.decode())\n"
        "    try: boto3.client('dynamodb').put_item(TableName=os.environ['TABLE'], Item=key)\n"
        "    except ClientError as error: note(error.response['Error']['Code'])\n",
        role=role, TABLE=table, CALLEE=callee.name)
    engine.mapping(relay, stream)
    execution = engine.start(machine)
    [token] = until(waiting.notes)
    engine.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": "p"}, "sk": {"S": "EVT#1"}, "token": {"S": token}})
    assert json.loads(engine.ended(execution, 10)["output"]) == {"sealed": "req_1"}
    assert until(relay.notes) == ["AccessDeniedException"]


def test_a_key_signs_for_those_it_and_their_role_allow(engine):
    kms = engine.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    signing = {"KeyId": key, "Message": b"checkpoint", "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"}
    granted, other = (as_role(engine, "kms", allow(action, resource=key)) for action in ("kms:Sign", "kms:GetPublicKey"))
    assert [code_of(role.sign, **signing) for role in (granted, other)] == ["ok", "AccessDeniedException"]


def test_the_archive_is_written_once(engine):
    bucket = engine.name("archive")
    engine.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}, ObjectLockEnabledForBucket=True)
    role = as_role(engine, "s3", allow("s3:PutObject", "s3:GetObject", resource=f"arn:aws:s3:::{bucket}/tile/*"))
    put = {"Bucket": bucket, "Key": "tile/0/000", "Body": b"1", "IfNoneMatch": "*"}
    assert [code_of(role.put_object, **put), code_of(role.put_object, **put)] == ["ok", "PreconditionFailed"]
    etag = role.get_object(Bucket=bucket, Key="tile/0/000")["ETag"]
    swap = {"Bucket": bucket, "Key": "tile/0/000", "Body": b"2"}
    assert [code_of(role.put_object, **swap, IfMatch=etag), code_of(role.put_object, **swap, IfMatch=etag)] == ["ok", "PreconditionFailed"]
    assert code_of(role.put_object, Bucket=bucket, Key="checkpoint", Body=b"1") == "AccessDenied"


@pytest.mark.parametrize("granted, calls", [(True, True), (False, False)])
def test_a_schedule_invokes_by_its_role(engine, granted, calls):
    """EventBridge Scheduler; the marker schedule, made last, shows when the other one's time has passed."""
    function, marker = (engine.function("def handle(event): note(event)") for _ in range(2))
    for target, resource in ((function, function.arn if granted else marker.arn), (marker, marker.arn)):
        engine.client("scheduler").create_schedule(
            Name=engine.name("schedule"), ScheduleExpression="rate(1 minute)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": target.arn, "RoleArn": engine.role(allow("lambda:InvokeFunction", resource=resource)), "Input": '{"sweep":true}'})
    until(lambda: len(marker.notes()) > 1)
    assert bool(function.notes()) == calls and function.notes()[:1] in ([], [{"sweep": True}])


def test_events_are_put_by_bus(engine):
    default = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    function = engine.function("def handle(event): note([event['detail-type'], event['detail']])")
    rule = engine.name("rule")
    function.permit("events.amazonaws.com", engine.client("events").put_rule(
        Name=rule, EventPattern='{"source":["countersign"]}')["RuleArn"])
    engine.client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": function.arn}])
    entry = {"Source": "countersign", "DetailType": "request.approved", "Detail": '{"id":"req_1"}', "EventBusName": "default"}
    granted, other = (as_role(engine, "events", allow("events:PutEvents", resource=resource)) for resource in (default, default + "x"))
    assert [code_of(role.put_events, Entries=[entry]) for role in (granted, other)] == ["ok", "AccessDeniedException"]
    assert until(function.notes) == [["request.approved", {"id": "req_1"}]]


def test_what_stood_first_is_found_behind_a_delete_marker(engine):
    """Object Lock stops no delete marker, after which another object passes If-None-Match: the oldest version is the log's."""
    bucket, root = engine.name("bucket"), engine.client("s3")
    root.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}, ObjectLockEnabledForBucket=True)
    lock = {"Mode": "COMPLIANCE", "Days": 2}
    root.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": lock}})
    sooner = datetime.now(UTC) + timedelta(days=1)
    root.put_object(Bucket=bucket, Key="tile/0/000.p/7", Body=b"first", IfNoneMatch="*", Tagging="countersign%3Apartial=true",
                    ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=sooner)
    assert root.get_object_tagging(Bucket=bucket, Key="tile/0/000.p/7")["TagSet"] == [{"Key": "countersign:partial", "Value": "true"}]
    locked = root.get_object_retention(Bucket=bucket, Key="tile/0/000.p/7")["Retention"]["RetainUntilDate"]
    assert abs(locked - sooner) < timedelta(seconds=2)
    root.delete_object(Bucket=bucket, Key="tile/0/000.p/7")
    root.put_object(Bucket=bucket, Key="tile/0/000.p/7", Body=b"second", IfNoneMatch="*")
    archive = f"arn:aws:s3:::{bucket}"
    reader = as_role(engine, "s3", allow("s3:ListBucketVersions", resource=archive), allow("s3:GetObjectVersion", resource=f"{archive}/*"))
    versions = reader.list_object_versions(Bucket=bucket, Prefix="tile/0/000.p/7")["Versions"]
    bodies = [reader.get_object(Bucket=bucket, Key=v["Key"], VersionId=v["VersionId"])["Body"].read() for v in versions]
    assert bodies == [b"second", b"first"], "newest first"
    assert code_of(root.delete_object, Bucket=bucket, Key="tile/0/000.p/7", VersionId=versions[1]["VersionId"]) == "AccessDenied"
