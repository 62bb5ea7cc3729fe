"""The engine as a process: what it binds, what it hands to functions, how it refuses and how it ends."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from testkit import HERE, allow, free_port, running, spawn, until

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def refusal(tmp_path, **environment):
    process = spawn(tmp_path, free_port(), **environment)
    _, message = process.communicate(timeout=20)
    return process.returncode, message


@pytest.mark.parametrize("environment, words", [
    ({"BIND_HOST": "0.0.0.0"}, "set a loopback address"),
    ({"BIND_HOST": "localhost"}, "set a loopback address"),
    ({"GATEWAY_PORT": "http"}, "set a port between"),
    ({"ENGINE_DIR": ""}, "ENGINE_DIR is not set"),
    ({"ENGINE_WITHOUT": "heartbeats"}, "names no mend: heartbeats"),
])
def test_it_refuses_what_it_cannot_start_with(tmp_path, environment, words):
    code, message = refusal(tmp_path, **environment)
    assert code == 2 and words in message and "Traceback" not in message


def test_it_refuses_a_taken_port(engine, tmp_path):
    code, message = refusal(tmp_path, GATEWAY_PORT=str(engine.port))
    assert code == 2 and "is taken" in message


def changed_ministack(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the installed ministack with one change, for PYTHONPATH."""
    import ministack

    package = Path(ministack.__file__).parent
    copy = tmp_path / "changed"
    shutil.copytree(package, copy / "ministack", ignore=shutil.ignore_patterns("__pycache__"))
    for information in package.parent.glob("ministack-*.dist-info"):
        shutil.copytree(information, copy / information.name)
    changed = next(copy.glob(file))
    text = changed.read_text()
    assert old in text
    changed.write_text(text.replace(old, new))
    return copy


@pytest.mark.parametrize("file, old, new, words", [
    ("ministack-*.dist-info/METADATA", "Version: 1.5.33", "Version: 1.5.34", "1.5.34 is installed"),
    ("ministack/services/stepfunctions.py", "    time.sleep(0.15)\n", "    time.sleep(0.2)\n", "does not hold this exactly once"),
    ("ministack/services/stepfunctions.py", '"Execution is not running"', '"no"', "_stop_execution has source digest"),
])
def test_it_refuses_another_ministack(tmp_path, file, old, new, words):
    code, message = refusal(tmp_path, PYTHONPATH=str(changed_ministack(tmp_path, file, old, new)))
    assert code == 2 and words in message and "Traceback" not in message


def listening(pid: int) -> list[str]:
    """Local addresses of the process's listening sockets, in /proc's hex."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # One that is closed meanwhile listens no more.
        with contextlib.suppress(FileNotFoundError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                inodes.add(found[1])
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    return [row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]


def test_it_binds_to_loopback_only(engine):
    function = engine.function("def handle(event): return 1")
    engine.client("lambda").invoke(FunctionName=function.name)
    addresses = listening(engine.process.pid)
    assert len(addresses) >= 2 and set(addresses) <= LOOPBACK


def test_a_function_gets_its_own_variables_and_no_others(tmp_path):
    with running(tmp_path, LAMBDA_ENDPOINT_URL="http://127.0.0.1:9", RUST_LOG="trace", AWS_SESSION_TOKEN="secret") as engine:
        role = engine.role(allow("s3:ListAllMyBuckets"))
        function = engine.function("def handle(event): note(dict(os.environ))", role=role, OWN="1")
        engine.client("lambda").invoke(FunctionName=function.name)
        [seen] = function.notes()
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert seen["AWS_REGION"] == "eu-west-1" and seen["OWN"] == "1" and seen["HOME"] == str(tmp_path)
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA") and seen["AWS_SESSION_TOKEN"] != "secret"
    assert "RUST_LOG" not in seen


class Relay(socketserver.ThreadingTCPServer):
    """Hands bytes on to the engine and remembers the first line of each connection."""

    daemon_threads = True

    def __init__(self):
        self.engine, self.lines = None, []
        super().__init__(("127.0.0.1", 0), None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, client, _):
        with socket.create_connection(("127.0.0.1", self.engine.port)) as server:
            threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
            self.pump(client, server, self.lines)

    def pump(self, source, target, lines=None):
        while data := source.recv(65536):
            if lines is not None:
                lines.append(data.split(b"\r\n")[0].decode(errors="replace"))
            target.sendall(data)


def test_a_function_signs_for_the_proxy_that_stands_between(tmp_path):
    with Relay() as relay, running(tmp_path, LAMBDA_ENDPOINT_URL=f"http://127.0.0.1:{relay.server_address[1]}") as engine:
        relay.engine = engine
        table, _ = engine.table()
        function = engine.function(
            "import boto3\ndef handle(event): note(boto3.client('dynamodb').describe_table(TableName=event)['Table']['TableName'])",
            role=engine.role(allow("dynamodb:DescribeTable")))
        engine.client("lambda").invoke(FunctionName=function.name, Payload=json.dumps(table))
        assert function.notes() == [table] and "POST / HTTP/1.1" in relay.lines
        relay.shutdown()


def test_it_ends_at_once_with_its_functions_and_their_children(tmp_path):
    with running(tmp_path) as engine:
        function = engine.function(
            "import subprocess\ndef handle(event): note([os.getpid(), subprocess.Popen(['sleep', '60']).pid])")
        engine.client("lambda").invoke(FunctionName=function.name)
        [pids] = function.notes()
        engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(timeout=2) == 0
        until(lambda: not any(alive(pid) for pid in pids), seconds=2)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_writes_to_its_folder_only(tmp_path):
    with running(tmp_path / "engine") as engine:
        function = engine.function("def handle(event): note(os.getcwd())")
        engine.client("lambda").invoke(FunctionName=function.name)
        [code] = function.notes()
        assert [path for path in Path(tempfile.gettempdir()).iterdir() if str(engine.port) in path.name] == []
    assert Path(code).is_relative_to(tmp_path / "engine")


def test_its_folder_can_be_run_from_anywhere(tmp_path):
    answer = subprocess.run([sys.executable, str(HERE / "engine")], cwd=tmp_path, capture_output=True, text=True,
                            env={"PATH": os.environ["PATH"]})
    assert answer.returncode == 2 and "ENGINE_DIR" in answer.stderr


def test_an_execution_name_is_used_once(engine):
    function = engine.function("def handle(event): note(event)")
    machine = engine.state_machine({"Task": {**function.task, "TimeoutSeconds": 30, "End": True}})
    states = engine.client("stepfunctions")
    first = states.start_execution(stateMachineArn=machine, name="req_1", input="{}")
    until(function.notes)
    for _ in range(2):  # while it runs, and when it has ended
        with pytest.raises(states.exceptions.ExecutionAlreadyExists):
            states.start_execution(stateMachineArn=machine, name="req_1", input="{}")
        states.stop_execution(executionArn=first["executionArn"])
    assert first["executionArn"].endswith(":req_1")


def test_heartbeats_keep_a_task_alive(engine):
    function = engine.function("def handle(event): note(event['token'])")
    machine = engine.state_machine({"Task": {**function.task, "HeartbeatSeconds": 1, "TimeoutSeconds": 30, "End": True}})
    execution, states = engine.start(machine), engine.client("stepfunctions")
    [token] = until(function.notes)
    beats = iter(range(8))
    # Two seconds of heartbeats, a quarter of a second apart.
    until(lambda: states.send_task_heartbeat(taskToken=token) and next(beats, None) is None, pause=0.25)
    states.send_task_success(taskToken=token, output='{"status":"approved"}')
    assert engine.ended(execution)["output"] == '{"status": "approved"}'


def test_a_token_ends_the_task_though_its_function_still_runs_and_fails(engine):
    function = engine.function("def handle(event):\n    note(event['token'])\n    time.sleep(1)\n    raise ValueError('late')")
    execution = engine.start(engine.state_machine({"Task": {**function.task, "TimeoutSeconds": 30, "End": True}}))
    [token] = until(function.notes)
    engine.client("stepfunctions").send_task_success(taskToken=token, output="1")
    assert engine.ended(execution, 0.9)["status"] == "SUCCEEDED"


def test_the_log_of_a_call_is_complete(engine):
    function = engine.function("def handle(event): print(json.dumps({'n': event['n'], 'pad': 'x' * 3000}), flush=True)")
    for number in range(5):
        engine.client("lambda").invoke(FunctionName=function.name, Payload=b'{"n":%d}' % number)
    events = engine.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    requests = [re.search(r'"n": (\d)|^(START|END)', event["message"]) for event in events]
    order = [found[1] or found[2] for found in requests if found]
    assert order == sum((["START", str(number), "END"] for number in range(5)), [])
