"""What the demo does with AWS itself: the buckets, the agent's copy, the look into the archive.

    python demo.py --url URL buckets                     makes demo-source and demo-target, with some user data
    python demo.py --url URL sync SOURCE TARGET          copies a prefix, as an agent does with its own credentials
    python demo.py --url URL archive BUCKET REQUEST …    lists what it holds of these requests, tries to delete one

Prints lines for people; `archive` fails when the deletion is not refused.
"""

import argparse
import gzip
import json
import sys

from botocore.exceptions import ClientError

from local import client

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


def archive(s3, bucket: str, requests: list[str]) -> None:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    versions = [version for page in pages for version in page.get("Versions", [])]
    shown = [version for version in versions if any(request in version["Key"] for request in requests)]
    for version in shown:
        found = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        events = len(gzip.decompress(found["Body"].read()).splitlines())
        until = found.get("ObjectLockRetainUntilDate")
        lock = f"{found['ObjectLockMode']} until {until:%Y-%m-%d}" if until else "not locked"
        print(f"{version['Key']}  {version['Size']:>5} bytes  {events} events  {lock}")
    print(f"and {len(versions) - len(shown)} more objects of other requests")
    if not shown:
        sys.exit(f"{bucket} holds nothing of {', '.join(requests)}")
    first = shown[0]
    try:
        s3.delete_object(Bucket=bucket, Key=first["Key"], VersionId=first["VersionId"])
    except ClientError as refusal:
        error = refusal.response["Error"]
        print(f"deleting the first of them, as root: {error['Code']}: {error['Message']}")
        return
    sys.exit(f"{first['Key']} could be deleted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("buckets")
    copying = commands.add_parser("sync")
    copying.add_argument("source")
    copying.add_argument("target")
    looking = commands.add_parser("archive")
    looking.add_argument("bucket")
    looking.add_argument("requests", nargs="+")
    given = parser.parse_args()
    s3 = client(given.url, "s3")
    if given.command == "buckets":
        buckets(s3)
    elif given.command == "sync":
        sync(s3, given.source, given.target)
    else:
        archive(s3, given.bucket, given.requests)


if __name__ == "__main__":
    main()
