"""Other people's verifiers, each a command that takes a log's directory: ends with 0 and prints JSON, or says BROKEN.

Who runs the tests says where they are: FOREIGN_GO (the built program), FOREIGN_NODE (any value, when its packages are
there), FOREIGN_PYTHON (an interpreter with its packages). One that is not there is skipped, and fails under CI=true.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VERIFIERS = {
    "go": lambda program: [program],
    "node": lambda _: ["node", HERE / "node/verify.mjs"],
    "python": lambda interpreter: [interpreter, HERE / "python/verify.py"],
}


class Verifier:
    def __init__(self, name: str, command: list):
        self.name, self._command = name, command

    def run(self, folder: Path, *more) -> subprocess.CompletedProcess:
        return subprocess.run([*map(str, [*self._command, folder, *more])], capture_output=True, text=True, timeout=300)

    def counts(self, folder: Path, *more) -> dict:
        ended = self.run(folder, *more)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


def given(name: str) -> str:
    """What this variable says; without it there is no test, and under CI=true a failure."""
    if value := os.environ.get(name):
        return value
    absent = f"{name} IS NOT SET: NOTHING WAS VERIFIED BY IT"
    pytest.fail(absent) if os.environ.get("CI") == "true" else pytest.skip(absent)


@pytest.fixture(params=VERIFIERS)
def verifier(request) -> Verifier:
    return Verifier(request.param, VERIFIERS[request.param](given(f"FOREIGN_{request.param.upper()}")))
