"""The log that a deployed stack wrote (FOREIGN_FETCHED, by tests/engine/log.py) is accepted whole."""

import json
from pathlib import Path

import pytest

from conftest import given


@pytest.fixture(scope="module")
def fetched() -> Path:
    return Path(given("FOREIGN_FETCHED"))


def test_accepted(verifier, fetched, capsys):
    log = fetched / "log"
    fork = ["--fork", fetched / "fork"] if verifier.name == "python" else []
    counts = verifier.counts(log, *fork)
    size = int((log / "checkpoint").read_text().split("\n")[1])
    checkpoints = len(list((log / "checkpoints").iterdir()))
    assert size >= 100, "the end-to-end tests write more"
    assert (counts["size"], counts["checkpoints"], counts["inclusion"]) == (size, checkpoints, 100)
    if verifier.name != "node":
        assert counts["consistency"] == checkpoints - 1
    if verifier.name == "go":
        assert counts["leaves"] == size
    if verifier.name == "python":
        assert counts["cosigned"] >= 2 and counts["refused"] == 4
    with capsys.disabled():
        print(f"\n{verifier.name}: {json.dumps(counts)}")
