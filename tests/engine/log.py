"""Brings the log of a stack out of the engine, for anybody's verifier.

    python log.py --url URL --stack STACK fetch DIR             its files as they lie in the bucket under its origin, and log.vkey
    python log.py --url URL --stack STACK proof REQUEST FILE    why the request's decision is in it (C2SP tlog-proof)
    python log.py --url URL --stack STACK fork CHECKPOINT FILE  another tree of the same size, signed with the log's own key

DIR must be empty or not be there. An object that has several versions is taken as it was written first, but for the newest
checkpoint. log.vkey is made of the public key that KMS gives, which must be the one that the log's first leaf names.
"""

import argparse
import base64
import hashlib
import json
import sys
import time
from pathlib import Path

from local import client

PATIENCE = 30


class Bucket:
    """What lies under a prefix, in all versions."""

    def __init__(self, s3, bucket: str, prefix: str):
        self._s3, self._bucket, self._prefix = s3, bucket, prefix

    def names(self) -> dict[str, str]:
        """The version to be read of each object, by its name below the prefix."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=self._prefix)
        found: dict[str, list[dict]] = {}
        for version in (version for page in pages for version in page.get("Versions", [])):
            found.setdefault(version["Key"].removeprefix(self._prefix), []).append(version)
        # The newest version comes first.
        return {name: versions[0 if name == "checkpoint" else -1]["VersionId"] for name, versions in found.items()}

    def read(self, name: str, version: str) -> bytes:
        answer = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name, VersionId=version)
        return answer["Body"].read()


def fetch(bucket: Bucket, vkey: str, folder: Path) -> int:
    """Copies the log; how many leaves it has."""
    if folder.is_dir() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")
    until = time.monotonic() + PATIENCE
    while True:
        names = bucket.names()
        checkpoint = bucket.read("checkpoint", names["checkpoint"]) if "checkpoint" in names else None
        size = int(checkpoint.split(b"\n")[1]) if checkpoint else None
        # A batch that is being published has its own checkpoint before it is the newest.
        if checkpoint and max(name for name in names if name.startswith("checkpoints/")) == f"checkpoints/{size:020}":
            break
        if time.monotonic() > until:
            sys.exit(f"no newest checkpoint after {PATIENCE} s")
        time.sleep(0.1)
    for name, version in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(checkpoint if name == "checkpoint" else bucket.read(name, version))
    named = json.loads(first_entry(folder, size))["data"]["key"]
    if named != vkey:
        sys.exit(f"the log's first leaf names the key {named}, and KMS gives {vkey}")
    (folder / "log.vkey").write_text(vkey + "\n")
    return size


def first_entry(folder: Path, size: int) -> bytes:
    bundle = folder / "tile/entries" / ("000" if size >= 256 else f"000.p/{size}")
    content = bundle.read_bytes()
    return content[2:2 + int.from_bytes(content[:2])]


def vkey(kms, key_id: str, origin: str) -> str:
    """The C2SP verifier key of an Ed25519 key, which ends its DER form."""
    public = bytes([1]) + kms.get_public_key(KeyId=key_id)["PublicKey"][-32:]
    return f"{origin}+{key_hash(origin, public).hex()}+{base64.b64encode(public).decode()}"


def key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + public).digest()[:4]


def fork(kms, key_id: str, checkpoint: str) -> str:
    """The same checkpoint with another root, signed by the same key."""
    origin, size, root = checkpoint.split("\n")[:3]
    other = base64.b64encode(hashlib.sha256(base64.b64decode(root)).digest()).decode()
    text = f"{origin}\n{size}\n{other}\n"
    public = base64.b64decode(vkey(kms, key_id, origin).split("+", 2)[2])
    signed = kms.sign(KeyId=key_id, Message=text.encode(), MessageType="RAW", SigningAlgorithm="ED25519_SHA_512")
    return f"{text}\n— {origin} {base64.b64encode(key_hash(origin, public) + signed['Signature']).decode()}\n"


def proof(functions, archiver: str, request: str) -> str:
    answer = functions.invoke(FunctionName=archiver, Payload=json.dumps({"seal": request}).encode())
    sealed = json.load(answer["Payload"])
    if answer.get("FunctionError") or not sealed.get("receipt"):
        sys.exit(f"{request} has no receipt: {sealed}")
    return sealed["receipt"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--stack", required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch").add_argument("folder", type=Path)
    proving = commands.add_parser("proof")
    proving.add_argument("request")
    proving.add_argument("file", type=Path)
    forking = commands.add_parser("fork")
    forking.add_argument("checkpoint", type=Path)
    forking.add_argument("file", type=Path)
    given = parser.parse_args()

    described = client(given.url, "cloudformation").describe_stacks(StackName=given.stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    origin, key_id = outputs["LogOrigin"], outputs["SigningKeyArn"]
    if given.command == "fetch":
        bucket = Bucket(client(given.url, "s3"), outputs["ArchiveBucketName"], f"{origin}/")
        size = fetch(bucket, vkey(client(given.url, "kms"), key_id, origin), given.folder)
        print(f"{size} leaves of {origin}")
    elif given.command == "proof":
        given.file.write_text(proof(client(given.url, "lambda"), outputs["ArchiverFunctionName"], given.request))
    else:
        given.file.write_text(fork(client(given.url, "kms"), key_id, given.checkpoint.read_text()))


if __name__ == "__main__":
    main()
