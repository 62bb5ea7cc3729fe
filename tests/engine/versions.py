"""Writes every version of every object of some buckets into a directory, for whoever looks through all of them.

    python versions.py --url URL DIR BUCKET …

DIR/BUCKET/<number> holds the bytes of one version; what is compressed lies there as it reads. Prints how many of each bucket.
"""

import argparse
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import client


def copy(s3, bucket: str, folder: Path) -> int:
    folder.mkdir(parents=True)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    versions = [version for page in pages for version in page.get("Versions", [])]

    def write(number: int) -> None:
        version = versions[number]
        answer = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        content = answer["Body"].read()
        (folder / str(number)).write_bytes(gzip.decompress(content) if version["Key"].endswith(".gz") else content)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(len(versions))))
    return len(versions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("folder", type=Path)
    parser.add_argument("buckets", nargs="+")
    given = parser.parse_args()
    s3 = client(given.url, "s3")
    print(json.dumps({bucket: copy(s3, bucket, given.folder / bucket) for bucket in given.buckets}))


if __name__ == "__main__":
    main()
