"""What the demo does with AWS itself: the buckets, the agent's copy, the look into the archive.

    python demo.py --url URL buckets                     makes demo-source and demo-target, with some user data
    python demo.py --url URL sync SOURCE TARGET          copies a prefix, as an agent does with its own credentials
    python demo.py --url URL archive BUCKET DERIVED ORIGIN REQUEST …
                                                         shows the log and its leaves of these requests, tries to delete

Prints lines for people; `archive` fails when the log holds nothing of a request, when a copy for reading is not what the log
holds, or when the deletion is not refused.
"""

import argparse
import gzip
import json
import sys

from botocore.exceptions import ClientError

from local import client
from log import Bucket

PEOPLE = ("ada", "grace", "edsger", "barbara", "tony")


def buckets(s3) -> None:
    for name in ("demo-source", "demo-target"):
        try:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
        except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            pass
    for person in PEOPLE:
        s3.put_object(Bucket="demo-source", Key=f"users/{person}.json", Body=json.dumps({"name": person}).encode())
    print(f"demo-source holds {len(PEOPLE)} objects under users/, demo-target is empty")


def place(uri: str) -> tuple[str, str]:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return bucket, prefix


def sync(s3, source: str, target: str) -> None:
    (from_bucket, from_prefix), (to_bucket, to_prefix) = place(source), place(target)
    found = s3.list_objects_v2(Bucket=from_bucket, Prefix=from_prefix).get("Contents", [])
    for item in found:
        key = to_prefix + item["Key"].removeprefix(from_prefix)
        s3.copy_object(Bucket=to_bucket, Key=key, CopySource={"Bucket": from_bucket, "Key": item["Key"]})
    print(f"copied {len(found)} objects from {source} to {target}")


def leaves(bucket: Bucket, size: int) -> list[bytes]:
    """The log's leaves, from its entry bundles: each is its length, in two bytes, and its bytes."""
    names, found = bucket.names(), []
    for index in range((size + 255) // 256):
        width = min(size - index * 256, 256)
        name = f"tile/entries/{position(index)}" + (f".p/{width}" if width < 256 else "")
        content = bucket.read(name, names[name])
        while content:
            length = int.from_bytes(content[:2])
            found.append(content[2:2 + length])
            content = content[2 + length:]
    return found


def position(index: int) -> str:
    path, rest = f"{index % 1000:03}", index // 1000
    while rest:
        path, rest = f"x{rest % 1000:03}/{path}", rest // 1000
    return path


def facts(found: list[bytes], requests: list[str]) -> list[str]:
    """A line for each leaf of these requests; fails where one has none."""
    told, seen = [], set()
    for index, leaf in enumerate(found):
        event = json.loads(leaf)
        if event["subject"] in requests:
            seen.add(event["subject"])
            told.append(f"leaf {index:>5}  {event['time']}  {event['subject']}  {event['type']}")
    if missing := [request for request in requests if request not in seen]:
        sys.exit(f"the log holds nothing of {', '.join(missing)}")
    return told


def copies(s3, derived: str, found: list[bytes]) -> str:
    """What the copies for reading hold; fails where a line is not its leaf."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=derived, Prefix="events/")
    keys, lines = [item["Key"] for page in pages for item in page.get("Contents", [])], 0
    for key in keys:
        first = int(key.rsplit("/", 1)[1].split("-")[0])
        content = gzip.decompress(s3.get_object(Bucket=derived, Key=key)["Body"].read())
        for index, line in enumerate(content.removesuffix(b"\n").split(b"\n"), first):
            # What was logged since the newest checkpoint was read is not looked at.
            if index < len(found) and line != found[index]:
                sys.exit(f"{key} is not what the log holds at leaf {index}")
            lines += index < len(found)
    return f"{derived} holds {lines} of the {len(found)} leaves, byte for byte, in {len(keys)} files under events/dt=<day>/"


def deleting(s3, bucket: str, prefix: str) -> str:
    """How the deletion of the first signed checkpoint is refused; fails when it is not."""
    first = s3.list_object_versions(Bucket=bucket, Prefix=f"{prefix}checkpoints/", MaxKeys=1)["Versions"][0]
    version = {"Bucket": bucket, "Key": first["Key"], "VersionId": first["VersionId"]}
    found = s3.get_object(**version)
    until = found.get("ObjectLockRetainUntilDate")
    lock = f"{found['ObjectLockMode']} until {until:%Y-%m-%d}" if until else "not locked"
    try:
        s3.delete_object(**version)
    except ClientError as refusal:
        error = refusal.response["Error"]
        return f"deleting {first['Key']} ({lock}), as root: {error['Code']}: {error['Message']}"
    sys.exit(f"{first['Key']} could be deleted")


def archive(s3, bucket: str, derived: str, origin: str, requests: list[str]) -> None:
    log = Bucket(s3, bucket, f"{origin}/")
    checkpoint = log.read("checkpoint", log.names()["checkpoint"]).decode()
    _, size, root = checkpoint.split("\n")[:3]
    found = leaves(log, int(size))
    print(f"{size} leaves under the root {root}; the newest checkpoint, as the log's key signed it:\n")
    print("\n".join(f"    {line}" for line in checkpoint.splitlines()))
    print("\nof these requests:")
    print("\n".join(facts(found, requests)))
    print(copies(s3, derived, found))
    print(deleting(s3, bucket, f"{origin}/"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("buckets")
    copying = commands.add_parser("sync")
    copying.add_argument("source")
    copying.add_argument("target")
    looking = commands.add_parser("archive")
    for name in ("bucket", "derived", "origin"):
        looking.add_argument(name)
    looking.add_argument("requests", nargs="+")
    given = parser.parse_args()
    s3 = client(given.url, "s3")
    if given.command == "buckets":
        buckets(s3)
    elif given.command == "sync":
        sync(s3, given.source, given.target)
    else:
        archive(s3, given.bucket, given.derived, given.origin, given.requests)


if __name__ == "__main__":
    main()
