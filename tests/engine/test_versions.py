"""versions.py brings every version out, also those that are hidden, and what is compressed as it reads."""

import gzip

import versions


def test_every_version_is_written(engine, tmp_path):
    s3, bucket = engine.client("s3"), engine.name("versions")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = lambda key, body: s3.put_object(Bucket=bucket, Key=key, Body=body)  # noqa: E731
    for number in range(1_005):
        put(f"many/{number}", str(number).encode())
    put("twice", b"first")
    put("twice", b"second")
    put("hidden", b"deleted")
    s3.delete_object(Bucket=bucket, Key="hidden")
    put("events/dt=2026-11-25/a b.jsonl.gz", gzip.compress(b"packed"))

    assert versions.copy(s3, bucket, tmp_path / "out") == 1_009
    found = sorted(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert found == sorted([str(n).encode() for n in range(1_005)] + [b"first", b"second", b"deleted", b"packed"])


def test_a_bucket_without_versions_is_written_too(engine, tmp_path):
    s3, bucket = engine.client("s3"), engine.name("plain")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="one", Body=b"only")
    assert versions.copy(s3, bucket, tmp_path / "out") == 1
    assert (tmp_path / "out/0").read_bytes() == b"only"
