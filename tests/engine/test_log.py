"""What log.py brings out of a bucket, of a log of one leaf that is signed in the engine's KMS."""

import base64
import hashlib
import io
import json

import pytest

import log


@pytest.fixture(scope="module")
def key(engine):
    made = engine.client("kms").create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    return made["KeyMetadata"]["KeyId"]


class Written:
    """A log's objects, under an origin in a bucket of its own."""

    def __init__(self, engine, key):
        self.s3, self.kms, self.key = engine.client("s3"), engine.client("kms"), key
        self.bucket, self.origin = engine.name("log"), "log.example/countersign"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.vkey = log.vkey(self.kms, key, self.origin)
        leaf = json.dumps({"data": {"key": self.vkey}}).encode()
        root = base64.b64encode(hashlib.sha256(b"\0" + leaf).digest()).decode()
        self.checkpoint = f"{self.origin}\n1\n{root}\n\n— not looked at\n"
        self.put("tile/entries/000.p/1", len(leaf).to_bytes(2) + leaf)
        self.put(f"checkpoints/{1:020}", self.checkpoint.encode())
        self.put("checkpoint", b"older")
        self.put("checkpoint", self.checkpoint.encode())

    def put(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.origin}/{name}", Body=content)

    def fetch(self, folder):
        return log.fetch(log.Bucket(self.s3, self.bucket, f"{self.origin}/"), self.vkey, folder)


@pytest.fixture
def written(engine, key):
    return Written(engine, key)


def test_the_files_come_as_they_are_and_the_key_beside_them(written, tmp_path):
    assert written.fetch(tmp_path / "new") == 1
    found = {str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert found == {"tile/entries/000.p/1", f"checkpoints/{1:020}", "checkpoint", "log.vkey"}
    assert (tmp_path / "new/checkpoint").read_text() == written.checkpoint
    assert (tmp_path / "new/log.vkey").read_text() == written.vkey + "\n"


def test_the_first_version_of_an_object_is_the_log(written, tmp_path):
    written.put(f"checkpoints/{1:020}", b"another")
    written.s3.delete_object(Bucket=written.bucket, Key=f"{written.origin}/tile/entries/000.p/1")
    assert written.fetch(tmp_path) == 1
    assert (tmp_path / f"checkpoints/{1:020}").read_text() == written.checkpoint


def test_a_folder_that_is_not_empty_is_refused(written, tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(SystemExit, match="is not empty"):
        written.fetch(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_first_leaf_with_another_key_is_refused(written, tmp_path):
    written.vkey = "log.example/countersign+00000000+AQ=="
    with pytest.raises(SystemExit, match="names the key"):
        written.fetch(tmp_path)


def test_a_batch_that_is_being_published_is_waited_for(written, tmp_path, monkeypatch):
    monkeypatch.setattr(log, "PATIENCE", 0)
    written.put(f"checkpoints/{2:020}", b"newer")
    with pytest.raises(SystemExit, match="no newest checkpoint"):
        written.fetch(tmp_path)


def test_a_fork_is_signed_by_the_log_s_key(written):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    note = log.fork(written.kms, written.key, written.checkpoint)
    text, line = note.split("\n\n")
    assert text.split("\n")[:2] == [written.origin, "1"] and text not in written.checkpoint
    key = base64.b64decode(written.vkey.split("+", 2)[2])
    signature = base64.b64decode(line.split(" ")[2])
    assert signature[:4].hex() == written.vkey.split("+")[1]
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], f"{text}\n".encode())


class Archiver:
    """Answers a seal as the function does."""

    def __init__(self, answer: dict, error: str | None = None):
        self._answer, self._error = answer, error

    def invoke(self, FunctionName: str, Payload: bytes) -> dict:  # noqa: N803
        assert (FunctionName, json.loads(Payload)) == ("archiver", {"seal": "req_1"})
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode())} | ({"FunctionError": self._error} if self._error else {})


def test_the_proof_is_the_receipt_of_the_seal():
    assert log.proof(Archiver({"receipt": "c2sp.org/tlog-proof@v1\n"}), "archiver", "req_1") == "c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize("answer, error", [({"receipt": None}, None), ({"errorType": "LogHalted", "receipt": "x"}, "Unhandled")])
def test_a_request_without_a_receipt_is_named(answer, error):
    with pytest.raises(SystemExit, match="req_1 has no receipt"):
        log.proof(Archiver(answer, error), "archiver", "req_1")
