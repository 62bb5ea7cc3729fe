"""What the tests of the engine share: an engine process of one's own, and the resources that tests make in it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
ACCOUNT, REGION = "000000000000", "eu-west-1"
_session = boto3.Session("test", "test", region_name=REGION)

BOOTSTRAP = '''#!%s -I
import http.client, json, os, time

def note(value):
    """Append one line to the file where the test looks for what the function saw."""
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps(value) + "\\n")

%s

runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    call = runtime.getresponse()
    event = json.loads(call.read())
    try:
        end, answer = "response", handle(event)
    except Exception as error:
        end, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
    path = "/2018-06-01/runtime/invocation/%%s/%%s" %% (call.headers["Lambda-Runtime-Aws-Request-Id"], end)
    runtime.request("POST", path, json.dumps(answer), {"Content-Type": "application/json"})
    runtime.getresponse().read()
'''


def allow(*actions, resource="*"):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}


def until(check, seconds=5.0, pause=0.02):
    """The first true answer of check(), which is asked again and again; fails the test when time is up."""
    end = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < end, f"not within {seconds} s: {check}"
        time.sleep(pause)
    return answer


def zipped(source: str) -> bytes:
    """A function's deployment package: the bootstrap with this source, which holds `def handle(event)`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("bootstrap", BOOTSTRAP % (sys.executable, source))
    return content.getvalue()


class Engine:
    """One running engine, and short ways to make things in it."""

    def __init__(self, process, port: int, folder: Path):
        self.process, self.port, self.folder = process, port, folder
        self.url = f"http://127.0.0.1:{port}"
        self._clients = {}
        self._names = iter(range(10**6))

    def name(self, stem: str) -> str:
        return f"{stem}-{next(self._names)}"

    def client(self, service: str, credentials=None):
        if credentials is None and service in self._clients:
            return self._clients[service]
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, parameter_validation=False)
        keys = {} if credentials is None else {
            "aws_access_key_id": credentials["AccessKeyId"], "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"]}
        client = _session.client(service, endpoint_url=self.url, config=config, **keys)
        if credentials is None:
            self._clients[service] = client
        return client

    def role(self, *policies) -> str:
        """A role that anybody in the account and any service may assume; its ARN."""
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
            "AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}}]}
        name, iam = self.name("role"), self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        for number, policy in enumerate(policies):
            iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy))
        return arn

    def assume(self, role_arn: str, session="tester") -> dict:
        return self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]

    def function(self, source: str, role: str | None = None, **variables) -> "Function":
        """A function with `def handle(event)` in its source, which can note(…) what it saw."""
        name = self.name("function")
        notes = self.folder / f"{name}.notes"
        arn = self.client("lambda").create_function(
            FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=role or self.role(allow("*")),
            Timeout=20, Code={"ZipFile": zipped(source)},
            Environment={"Variables": {"NOTES": str(notes), **variables}})["FunctionArn"]
        return Function(self, name, arn, notes)

    def table(self) -> tuple[str, str]:
        """A table with pk, sk and a KEYS_ONLY stream: its name and the stream's ARN."""
        name = self.name("table")
        table = self.client("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})["TableDescription"]
        return name, table["LatestStreamArn"]

    def put(self, table: str, *sort_keys: str, pk="p") -> None:
        """One transaction that puts an item for each sort key: their records are one batch."""
        self.client("dynamodb").transact_write_items(TransactItems=[
            {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": key}}}} for key in sort_keys])

    def mapping(self, function: "Function", stream: str, **settings) -> str:
        settings = {"StartingPosition": "TRIM_HORIZON", "BatchSize": 10, **settings}
        return self.client("lambda").create_event_source_mapping(
            FunctionName=function.name, EventSourceArn=stream, **settings)["UUID"]

    def queue(self) -> tuple[str, str]:
        url = self.client("sqs").create_queue(QueueName=self.name("queue"))["QueueUrl"]
        return url, self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def state_machine(self, states: dict, start="Task", role: str | None = None) -> str:
        return self.client("stepfunctions").create_state_machine(
            name=self.name("machine"), roleArn=role or self.role(allow("lambda:InvokeFunction")),
            definition=json.dumps({"StartAt": start, "States": states}))["stateMachineArn"]

    def start(self, machine: str, **input) -> str:
        return self.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(input))["executionArn"]

    def ended(self, execution: str, seconds=6.0) -> dict:
        def look():
            found = self.client("stepfunctions").describe_execution(executionArn=execution)
            return found["status"] != "RUNNING" and found
        return until(look, seconds)

    def http_api(self, function: "Function", route: str, **route_settings) -> str:
        """An HTTP API with one route to the function, which it may invoke; its URL."""
        api = self.client("apigatewayv2")
        api_id = api.create_api(Name=self.name("api"), ProtocolType="HTTP")["ApiId"]
        target = api.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function.arn, PayloadFormatVersion="2.0")["IntegrationId"]
        api.create_route(ApiId=api_id, RouteKey=route, Target=f"integrations/{target}", **route_settings)
        function.permit("apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*")
        api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
        return f"{self.url}/_aws/execute-api/{api_id}/$default"


class Function:
    def __init__(self, engine: Engine, name: str, arn: str, notes: Path):
        self.engine, self.name, self.arn, self.notes_path = engine, name, arn, notes

    def notes(self) -> list:
        return [json.loads(line) for line in self.notes_path.read_text().splitlines()] if self.notes_path.exists() else []

    def permit(self, service: str, source_arn: str) -> None:
        self.engine.client("lambda").add_permission(
            FunctionName=self.name, StatementId=self.engine.name("permission"), Action="lambda:InvokeFunction",
            Principal=service, SourceArn=source_arn)

    @cached_property
    def task(self) -> dict:
        """A waitForTaskToken task that gives the function its token, without an end or a next state."""
        return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": {
            "FunctionName": self.arn, "Payload": {"token.$": "$$.Task.Token", "retry.$": "$$.State.RetryCount"}}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spawn(folder: Path, port: int, **environment: str) -> subprocess.Popen:
    own = {"PATH": os.environ["PATH"], "ENGINE_DIR": str(folder), "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR", **environment}
    return subprocess.Popen([sys.executable, "-m", "engine"], cwd=HERE, env=own, stderr=subprocess.PIPE, text=True)


@contextmanager
def running(folder: Path, **environment: str):
    """An engine with these variables, ended at the end of the block."""
    port = free_port()
    process = spawn(folder, port, **environment)
    engine = Engine(process, port, folder)
    try:
        until(lambda: _healthy(engine), seconds=20)
        yield engine
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def _healthy(engine: Engine) -> bool:
    assert engine.process.poll() is None, engine.process.stderr.read()
    try:
        with urllib.request.urlopen(f"{engine.url}/_ministack/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
