"""The sample stack, from its SAM template to a running request on the engine, by translate.py and deploy.py alone."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from testkit import HERE, REGION, ACCOUNT, until, zipped

FUNCTIONS = {
    "Notifier": "def handle(event):\n"
                "    note({'event': event, 'variables': dict(os.environ)})\n"
                "    return {'statusCode': 200, 'body': 'reached'}\n",
    "Archiver": "def handle(event):\n"
                "    note(event)\n"
                "    if 'seal' in event: return {'sealed': event['seal']}\n",
}


def run(script, *arguments):
    return subprocess.run([sys.executable, str(HERE / script), *map(str, arguments)], capture_output=True, text=True, timeout=60)


def translated(template, *names):
    code = [part for name in names for part in ("--code", f"{name}=s3://code/{name}.zip")]
    return run("translate.py", template, *code)


class Deployed:
    def __init__(self, engine, folder):
        self.engine, self.folder, self.name = engine, folder, engine.name("sample")
        answer = translated(HERE / "sample/template.yaml", "PolicyLayer", *FUNCTIONS)
        assert answer.returncode == 0, answer.stderr
        self.template = json.loads(answer.stdout)

    def notes(self, function):
        path = self.folder / function
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def deploy(self, template=None, **parameters):
        puts = []
        for name, source in {"PolicyLayer": "", **FUNCTIONS}.items():
            file = self.folder / f"{name}.zip"
            # Where the test looks is written into the code: the template has no variable for it.
            file.write_bytes(zipped(f"os.environ['NOTES'] = {str(self.folder / name)!r}\n{source}"))
            puts += ["--put", f"s3://code/{name}.zip={file}"]
        (self.folder / "template.json").write_text(json.dumps(template or self.template))
        (self.folder / "parameters.json").write_text(json.dumps(parameters))
        return run("deploy.py", "--stack", self.name, "--template", self.folder / "template.json",
                   "--parameters", self.folder / "parameters.json", "--url", self.engine.url, *puts)


@pytest.fixture(scope="module")
def deployed(engine, tmp_path_factory):
    one = Deployed(engine, tmp_path_factory.mktemp("deploy"))
    answer = one.deploy()
    assert answer.returncode == 0, answer.stderr
    one.outputs = json.loads(answer.stdout)
    return one


def test_a_request_goes_through_the_deployed_stack(engine, deployed):
    states, machine = engine.client("stepfunctions"), deployed.outputs["StateMachineArn"]
    assert machine == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{deployed.name}-requests"
    execution = states.start_execution(stateMachineArn=machine, name="req_1", input='{"id":"req_1","n":0}')["executionArn"]
    [first] = until(lambda: [note["event"] for note in deployed.notes("Notifier") if "token" in note["event"]])
    assert (first["id"], first["n"], first["retry"]) == ("req_1", 0, 0)
    states.send_task_success(taskToken=first["token"], output='{"id":"req_1","status":"approved"}')
    assert json.loads(engine.ended(execution)["output"]) == {"sealed": "req_1"}


def test_parameters_reach_the_functions(deployed):
    variables = until(lambda: deployed.notes("Notifier"))[0]["variables"]
    assert variables["POLICY_DIR"] == "/opt/policy" and variables["TABLE_NAME"] == deployed.outputs["TableName"]


def test_the_stream_and_the_schedule_reach_their_function(engine, deployed):
    engine.put(deployed.outputs["TableName"], "STATE", "EVT#0001")
    records = until(lambda: [note for note in deployed.notes("Archiver") if "Records" in note])[0]["Records"]
    assert [record["dynamodb"]["Keys"]["sk"]["S"] for record in records] == ["EVT#0001"]
    until(lambda: {"sweep": True} in deployed.notes("Archiver"))


def test_routes_are_there_with_their_authorizers(engine, deployed):
    url = f"{engine.url}/_aws/execute-api/{deployed.outputs['AgentsApiId']}/$default"
    assert urllib.request.urlopen(url + "/healthz").read() == b"reached"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url + "/v1/requests", data=b"{}")


def test_an_update_changes_the_stack_and_a_second_one_nothing(deployed):
    for _ in range(2):
        answer = deployed.deploy(PolicyDir="/elsewhere", ReviewIssuer="http://127.0.0.1:9")
        assert answer.returncode == 0 and json.loads(answer.stdout) == deployed.outputs, answer.stderr
    routes = deployed.engine.client("apigatewayv2").get_routes(ApiId=deployed.outputs["AgentsApiId"])["Items"]
    assert sorted(route["RouteKey"] for route in routes) == ["GET /healthz", "GET /v1/review/requests", "POST /v1/requests"]
    found = deployed.engine.client("lambda").get_function_configuration(FunctionName=deployed.outputs["NotifierFunctionName"])
    assert found["Environment"]["Variables"]["POLICY_DIR"] == "/elsewhere"


def test_a_failed_deployment_names_the_resource_and_the_reason(engine, tmp_path):
    one = Deployed(engine, tmp_path)
    broken = json.loads(json.dumps(one.template))
    [pattern] = broken["Resources"]["ArchiverStream"]["Properties"]["FilterCriteria"]["Filters"]
    pattern["Pattern"] = "{"
    answer = one.deploy(broken)
    assert answer.returncode == 1 and answer.stdout == ""
    assert "ArchiverStream (AWS::Lambda::EventSourceMapping): Invalid filter pattern" in answer.stderr
    again = one.deploy()  # what is left of a failed first try does not stand in the way
    assert again.returncode == 0, again.stderr


def test_a_template_too_large_for_the_call_is_deployed_too(engine, tmp_path):
    one = Deployed(engine, tmp_path)
    one.template["Metadata"] = {"Padding": "x" * 60_000}
    assert one.deploy().returncode == 0


@pytest.mark.parametrize("names, words", [
    (["Notifier", "Archiver"], "PolicyLayer has no code: add --code PolicyLayer=s3://bucket/key"),
    (["PolicyLayer", "Notifier", "Archiver", "Relay"], "--code names no function, layer or state machine of the template: Relay"),
])
def test_a_translation_needs_its_code(names, words):
    answer = translated(HERE / "sample/template.yaml", *names)
    assert answer.returncode == 1 and answer.stdout == "" and words in answer.stderr


def test_a_translation_refuses_what_sam_refuses(tmp_path):
    (tmp_path / "t.yaml").write_text("Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
                                     "    Properties: {CodeUri: x, Nonsense: 1}\n")
    answer = translated(tmp_path / "t.yaml", "F")
    assert answer.returncode == 1 and "Nonsense" in answer.stderr and "Traceback" not in answer.stderr


def test_a_translation_needs_the_definition(tmp_path):
    (tmp_path / "t.yaml").write_text("Resources:\n  W:\n    Type: AWS::Serverless::StateMachine\n    Properties: {DefinitionUri: missing.json}\n")
    answer = translated(tmp_path / "t.yaml")
    assert answer.returncode == 1 and "'missing.json' is no file beside the template" in answer.stderr


def test_a_translation_keeps_references_and_defaults(deployed):
    template = deployed.template
    assert template["Parameters"]["PolicyDir"]["Default"] == "/opt/policy"
    assert template["Resources"]["Notifier"]["Properties"]["Environment"]["Variables"]["POLICY_DIR"] == {"Ref": "PolicyDir"}
    assert "Transform" not in template
