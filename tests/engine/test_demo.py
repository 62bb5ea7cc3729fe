"""What the demo shows of a log: a written one, in a bucket that is locked."""

import base64
import gzip
import hashlib
import json

import pytest

import demo

DAY = "2026-11-25"


def leaf(subject: str, kind: str) -> bytes:
    return json.dumps({"subject": subject, "time": f"{DAY}T00:00:00.000Z", "type": kind}).encode()


class Logged:
    """A log of 300 leaves, in a locked bucket, and their copies for reading; the requests' are the last ones."""

    origin = "log.example/countersign"

    def __init__(self, engine):
        self.s3, self.bucket, self.derived = engine.client("s3"), engine.name("locked"), engine.name("derived")
        where = {"LocationConstraint": "eu-west-1"}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
        self.s3.create_bucket(Bucket=self.derived, CreateBucketConfiguration=where)
        self.leaves = [leaf("req_other", "request.created")] * 297
        self.leaves += [leaf("req_1", "request.created"), leaf("req_2", "request.created"), leaf("req_1", "vote.cast")]
        self.put("tile/entries/000", self.bundle(0, 256))
        self.put("tile/entries/001.p/44", self.bundle(256, 300))
        root = base64.b64encode(hashlib.sha256(b"not looked at").digest()).decode()
        self.checkpoint = f"{self.origin}\n300\n{root}\n\n— {self.origin} c2ln\n"
        self.put("checkpoint", b"older\n1\n")
        self.put("checkpoint", self.checkpoint.encode())
        self.lock(f"checkpoints/{300:020}", self.checkpoint.encode())
        self.copy(0, 297)
        self.copy(298, 299)

    def bundle(self, start: int, end: int) -> bytes:
        return b"".join(len(one).to_bytes(2) + one for one in self.leaves[start:end])

    def put(self, name: str, content: bytes, **more) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.origin}/{name}", Body=content, **more)

    def lock(self, name: str, content: bytes) -> None:
        self.put(name, content, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate="2099-01-01T00:00:00Z")

    def copy(self, first: int, last: int) -> None:
        content = gzip.compress(b"".join(one + b"\n" for one in self.leaves[first:last + 1]))
        self.s3.put_object(Bucket=self.derived, Key=f"events/dt={DAY}/{first:020}-{last:020}.jsonl.gz", Body=content)

    def show(self, *requests: str) -> None:
        demo.archive(self.s3, self.bucket, self.derived, self.origin, list(requests))


@pytest.fixture
def logged(engine):
    return Logged(engine)


def test_the_log_is_shown(logged, capsys):
    logged.show("req_1", "req_2")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"300 leaves under the root {logged.checkpoint.splitlines()[2]}; ")
    assert [line[4:] for line in lines[2:7]] == logged.checkpoint.splitlines()
    assert lines[8:] == [
        "of these requests:",
        f"leaf   297  {DAY}T00:00:00.000Z  req_1  request.created",
        f"leaf   298  {DAY}T00:00:00.000Z  req_2  request.created",
        f"leaf   299  {DAY}T00:00:00.000Z  req_1  vote.cast",
        f"{logged.derived} holds 300 of the 300 leaves, byte for byte, in 2 files under events/dt=<day>/",
        lines[-1],
    ]
    assert lines[-1].startswith(f"deleting {logged.origin}/checkpoints/{300:020} (COMPLIANCE until 2099-01-01), as root: AccessDenied")


def test_a_request_that_is_not_in_the_log_fails(logged):
    with pytest.raises(SystemExit, match="nothing of req_3"):
        logged.show("req_1", "req_3")


def test_a_copy_that_is_not_the_leaf_fails(logged):
    logged.leaves[299] = leaf("req_1", "vote.lost")
    logged.copy(298, 299)
    with pytest.raises(SystemExit, match="is not what the log holds at leaf 299"):
        logged.show("req_1")


def test_an_archive_that_is_not_locked_fails(logged):
    logged.put(f"checkpoints/{1:020}", b"")
    with pytest.raises(SystemExit, match="could be deleted"):
        logged.show("req_1")


@pytest.mark.parametrize("index, path", [(0, "000"), (999, "999"), (1_234_067, "x001/x234/067")])
def test_positions_are_those_of_tlog_tiles(index, path):
    assert demo.position(index) == path
