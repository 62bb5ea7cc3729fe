"""A log that the library wrote (FOREIGN_WRITTEN, of the example `log` of shared/tlog) is accepted, and none that was touched."""

import base64
import hashlib
import shutil
from pathlib import Path

import pytest

from conftest import Verifier, given

SIZE, CHECKPOINTS = 790, 12
EXPECTED = {
    "go": {"size": SIZE, "checkpoints": CHECKPOINTS, "leaves": SIZE, "inclusion": 100, "consistency": CHECKPOINTS - 1,
           "proofs": 1},
    "node": {"size": SIZE, "checkpoints": CHECKPOINTS, "inclusion": 100},
    "python": {"size": SIZE, "checkpoints": CHECKPOINTS, "tiles": 5, "bundles": 4, "inclusion": 100,
               "consistency": CHECKPOINTS - 1, "cosigned": CHECKPOINTS, "refused": 4},
}


@pytest.fixture(scope="module")
def written() -> Path:
    return Path(given("FOREIGN_WRITTEN"))


@pytest.fixture
def log(written, tmp_path) -> Path:
    """A copy to touch."""
    return shutil.copytree(written / "log", tmp_path / "log")


def only(*names: str):
    """For what the others cannot know."""
    return pytest.mark.parametrize("verifier", names, indirect=True)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def other_key(vkey: str) -> str:
    """A well-formed key of the same name that nobody holds."""
    name, _, key = vkey.split("+", 2)
    public = bytes([1]) + hashlib.sha256(key.encode()).digest()
    key_id = hashlib.sha256(f"{name}\n".encode() + public).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(public).decode()}"


def refused(verifier: Verifier, log: Path, *more) -> None:
    ended = verifier.run(log, *more)
    assert (ended.returncode, ended.stdout) == (1, ""), ended
    assert ended.stderr.startswith("BROKEN: "), ended.stderr


def test_accepted(verifier, written):
    fork = ["--fork", written / "fork/checkpoint"] if verifier.name == "python" else []
    assert verifier.counts(written / "log", *fork) == EXPECTED[verifier.name]


# The leaves 0 and 789 are among the hundred.
@pytest.mark.parametrize("path, at", [("tile/entries/000", 9), ("tile/entries/003.p/22", -3)])
def test_an_entry(verifier, log, path, at):
    flip(log / path, at)
    refused(verifier, log)


@pytest.mark.parametrize("path, at", [("tile/0/000", 40), ("tile/0/002", 7), ("tile/0/003.p/22", 0), ("tile/1/000.p/3", 70)])
def test_a_tile(verifier, log, path, at):
    flip(log / path, at)
    refused(verifier, log)


@pytest.mark.parametrize("path", ["checkpoint", "checkpoints/00000000000000000063", "checkpoints/00000000000000000790"])
@pytest.mark.parametrize("line, at", [("size", 1), ("root", 2), ("signature", 4)])
def test_a_checkpoint(verifier, log, path, line, at):
    lines = (log / path).read_text().split("\n")
    middle = len(lines[at]) // 2 if line != "size" else 0
    changed = "1" if lines[at][middle] != "1" else "2"
    lines[at] = lines[at][:middle] + changed + lines[at][middle + 1:]
    (log / path).write_text("\n".join(lines))
    refused(verifier, log)


def test_another_key(verifier, log):
    (log / "log.vkey").write_text(other_key((log / "log.vkey").read_text().strip()) + "\n")
    refused(verifier, log)


@pytest.mark.parametrize("missing", ["tile/entries/001", "tile/0/001", "checkpoint"])
def test_a_file_is_missing(verifier, log, missing):
    (log / missing).unlink()
    refused(verifier, log)


def test_the_checkpoint_of_a_fork_that_the_key_signed(verifier, written, log):
    for path in ["checkpoint", f"checkpoints/{SIZE:020}"]:
        shutil.copy(written / "fork" / path, log / path)
    refused(verifier, log)


@pytest.mark.parametrize("kept", [63, 256, 770])
def test_a_fork_beside_an_older_checkpoint(verifier, written, tmp_path, kept):
    """The whole log rebuilt and signed again: who kept one checkpoint sees it, from where the histories part."""
    fork = shutil.copytree(written / "fork", tmp_path / "fork")
    path = f"checkpoints/{kept:020}"
    shutil.copy(written / "log" / path, fork / path)
    # The two share their first 63 leaves; @sigstore/verify knows no consistency proofs.
    if kept == 63 or verifier.name == "node":
        verifier.counts(fork)
    else:
        refused(verifier, fork)


@only("go", "python")
def test_a_rollback_keeps_what_was_newer(verifier, log):
    """An older checkpoint put back as the newest, beside those that came after it."""
    shutil.copy(log / "checkpoints/00000000000000000770", log / "checkpoint")
    refused(verifier, log)


@only("go")
def test_a_proof_of_another_leaf(verifier, log):
    proof = log / "middle.tlog-proof"
    proof.write_text(proof.read_text().replace("index 395", "index 394"))
    refused(verifier, log)


@only("python")
def test_a_fork_that_the_witness_takes_is_noticed(verifier, written):
    """The log's own newest checkpoint is none, and is cosigned."""
    refused(verifier, written / "log", "--fork", written / "log/checkpoint")
