"""Verifies a log's files with the PyPI packages aics-tlog and aics-witness, which were not written for it.

    python verify.py DIR [--fork CHECKPOINT]

DIR holds the log as it lies in the bucket under its origin, and log.vkey. aics-tlog audits every tile and entry of the
newest checkpoint, proves the inclusion of a hundred leaves spread over the log, and the consistency of each checkpoint
with the one before it. Then aics-witness, on loopback, cosigns the log from checkpoint to checkpoint, and refuses to go
back; with --fork also a checkpoint that the log's key signed and that is no continuation. Prints how many as JSON, or
says what is wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import aics_tlog as tlog
from aics_witness.feeder import merge_cosignatures
from aics_witness.protocol import format_add_checkpoint_request

SAMPLES = 100
PROGRAM = Path(sys.executable).with_name("aics-witness")


class Broken(Exception):
    """The log is not what it says."""


class Log:
    def __init__(self, folder: Path):
        self.folder = folder
        self.key = tlog.parse_vkey((folder / "log.vkey").read_text().strip())
        self.tiles = tlog.FileSystemTileReader(folder)

    def note(self, path: Path) -> tuple[tlog.Note, tlog.Checkpoint]:
        note = tlog.parse_note(path.read_bytes())
        result = tlog.verify_checkpoint(note, self.key, expected_origin=self.key.name)
        if not result.ok:
            raise Broken(f"{path.name}: {result.error or 'not signed by the log'}")
        return note, tlog.parse_checkpoint(note.text)


def verified(log: Log) -> dict:
    newest = log.note(log.folder / "checkpoint")[1]
    history = [log.note(path)[1] for path in sorted((log.folder / "checkpoints").iterdir())]
    if not history or history[-1] != newest:
        raise Broken("checkpoint is not the last of checkpoints/")
    audit = tlog.audit_tiles(log.tiles, newest.size, newest.root)

    reader = tlog.VerifiedTileReader(log.tiles, newest.size, newest.root)
    count = min(SAMPLES, newest.size)
    for index in (i * (newest.size - 1) // max(count - 1, 1) for i in range(count)):
        proof = tlog.inclusion_proof_from_tiles(reader, index, newest.size)
        leaf = tlog.leaf_hash(tlog.read_entry(reader, index, newest.size))
        if not tlog.verify_inclusion(leaf, index, newest.size, proof, newest.root):
            raise Broken(f"leaf {index} is not in the log")

    for older, newer in zip(history, history[1:]):
        if not tlog.verify_consistency(older.size, newer.size, older.root, newer.root, consistency(log, older, newer)):
            raise Broken(f"the checkpoint of {newer.size} leaves does not continue that of {older.size}")
    return {"size": newest.size, "checkpoints": len(history), "tiles": audit.tiles, "bundles": audit.bundles,
            "inclusion": count, "consistency": len(history) - 1}


def consistency(log: Log, older: tlog.Checkpoint, newer: tlog.Checkpoint) -> list[bytes]:
    """From the tiles as they stood at the newer checkpoint."""
    reader = tlog.VerifiedTileReader(log.tiles, newer.size, newer.root)
    return tlog.consistency_proof_from_tiles(reader, older.size, newer.size)


@contextmanager
def witness(log: Log, folder: Path):
    """A witness of this log, by its own program; its address and key."""
    def run(*words: str) -> str:
        return subprocess.run([PROGRAM, *words, "--config", "witness.json"], cwd=folder, check=True,
                              capture_output=True, text=True).stdout.strip()
    vkey = run("init", "--name", "witness.example/w1", "--listen", "127.0.0.1:0")
    run("add-log", "--origin", log.key.name, "--vkey", tlog.format_vkey(log.key))
    errors = folder / "witness.log"
    with errors.open("w") as sink:
        process = subprocess.Popen([PROGRAM, "serve", "--config", "witness.json"], cwd=folder, stderr=sink)
    try:
        yield address(process, errors), tlog.parse_vkey(vkey)
    finally:
        process.terminate()
        process.wait(timeout=10)


def address(process: subprocess.Popen, errors: Path) -> str:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        for line in errors.read_text().splitlines():
            if "listening on " in line:
                return line.split("listening on ")[1].split()[0]
        time.sleep(0.02)
    raise Broken(f"the witness does not start: {errors.read_text()}")


def add(url: str, old: int, proof: list[bytes], note: tlog.Note) -> tuple[int, str]:
    body = format_add_checkpoint_request(old, proof, note.to_bytes())
    try:
        with urllib.request.urlopen(f"{url}/add-checkpoint", data=body, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def witnessed(log: Log, fork: Path | None) -> dict:
    """What a witness made of the log."""
    paths = sorted((log.folder / "checkpoints").iterdir())
    notes = [log.note(path) for path in paths]
    refused, cosigned, known = 0, 0, None

    def refuse(what: str, *request) -> None:
        nonlocal refused
        status, text = add(url, *request)
        if status not in (409, 422):
            raise Broken(f"the witness did not refuse {what}: {status} {text}")
        refused += 1

    # A few from end to end: each costs a signature and a write to disk.
    some = notes[:: max(1, len(notes) // 10)]
    some += notes[-1:] if some[-1] is not notes[-1] else []
    with tempfile.TemporaryDirectory() as folder, witness(log, Path(folder)) as (url, key):
        for note, checkpoint in some:
            proof = consistency(log, known, checkpoint) if known else []
            if fork and known and checkpoint == some[-1][1]:
                other = log.note(fork)[0]
                refuse("a fork", known.size, proof, other)
            status, text = add(url, known.size if known else 0, proof, note)
            if status != 200:
                raise Broken(f"the witness refused the checkpoint of {checkpoint.size} leaves: {status} {text}")
            both = tlog.parse_note(merge_cosignatures(note.to_bytes(), text))
            result = tlog.verify_checkpoint(both, log.key, [key], 1, expected_origin=log.key.name)
            if not result.ok:
                raise Broken(f"the cosignature is wrong: {result.error}")
            cosigned, known = cosigned + 1, checkpoint
        first, (last, newest) = some[0], some[-1]
        if first[1].size < newest.size:
            refuse("to go back", first[1].size, [], first[0])
            refuse("to begin anew", 0, [], first[0])
        if fork:
            refuse("another tree of the same size", newest.size, [], log.note(fork)[0])
    return {"cosigned": cosigned, "refused": refused}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fork", type=Path)
    given = parser.parse_args()
    try:
        log = Log(given.folder)
        print(json.dumps(verified(log) | witnessed(log, given.fork)))
    except (Broken, ValueError, OSError) as error:
        sys.exit(f"BROKEN: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
