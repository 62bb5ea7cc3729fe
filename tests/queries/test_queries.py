"""The queries of infra/athena, answered by DuckDB over leaves as the product makes them (shared/domain/tests/life).

What runs is the text that Athena runs, but for the name of one type and for the day that is today. Athena itself is not here.
"""

import gzip
import json
from itertools import groupby
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "infra/athena"
LEAVES = ROOT / "shared/domain/tests/life"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory) -> Path:
    """The files as the archiver names them: a batch of events of one day, line k of which is leaf first + k."""
    folder, first = tmp_path_factory.mktemp("derived"), 0
    lines = [line for name in ("queries.jsonl", "leaves.jsonl") for line in (LEAVES / name).read_text().splitlines()]
    for day, same in groupby(lines, key=lambda line: json.loads(line)["time"][:10]):
        batch = list(same)
        path = folder / f"events/dt={day}/{first:020}-{first + len(batch) - 1:020}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("".join(f"{line}\n" for line in batch).encode()))
        first += len(batch)
    return folder


@pytest.fixture(scope="module")
def database(bucket):
    connection = duckdb.connect()
    connection.execute((QUERIES / "duckdb.sql").read_text().replace("'BUCKET/", f"'{bucket}/"))
    return connection


def answer(database, query: str, today: str) -> list[tuple]:
    text = (QUERIES / f"{query}.sql").read_text()
    for athena, here in (("ARRAY(JSON)", "JSON[]"), ("current_date", f"DATE '{today}'")):
        text = text.replace(athena, here)
    return [row[:-1] if query != "time_to_decide" else row for row in database.execute(text).fetchall()]


AUTUMN, WINTER = "2026-11-25", "2027-02-01"
AGENT = "aws:123456789012:role/deploy"


def test_who_approved_what(database):
    assert answer(database, "approvals", AUTUMN) == [
        ("2026-07-01T00:00:00.999Z", "cyd", "slack", "s3.sync", "over the turn", AGENT),
        ("2026-07-10T08:00:03.000Z", "ann", "api", "db.migrate", "a \"quoted\", 'target' €", AGENT),
        ("2026-07-10T08:00:03.000Z", "eve", "api", "db.migrate", "a \"quoted\", 'target' €", AGENT),
        ("2026-08-01T00:00:02.000Z", "ann", "api", "vault.read", "", AGENT),
        ("2026-08-02T00:00:04.000Z", "ben", "api", "s3.sync", "same", AGENT),
        ("2026-08-02T00:00:04.000Z", "ben", "api", "s3.sync", "same", AGENT),
    ]


def test_who_approved_what_in_the_next_quarter(database):
    """Among the leaves of every type, one of each."""
    assert answer(database, "approvals", WINTER) == [
        ("2026-10-01T00:00:00.001Z", "cyd", "slack", "s3.sync", "after", AGENT),
        ("2026-11-25T00:01:02.120Z", "cyd", "slack", "s3.sync", "arn:aws:s3:::reports/€", AGENT),
        ("2026-11-25T00:01:02.120Z", "eve", "api", "s3.sync", "arn:aws:s3:::reports/€", AGENT),
    ]


def test_median_time_to_decide(database):
    assert answer(database, "time_to_decide", AUTUMN) == [("default", 5, 4_000.0), ("security", 2, 2_500.0)]
    assert answer(database, "time_to_decide", WINTER) == [
        ("default", 1, 1.0), ("ops", 2, 31_062.5), ("security", 2, 31_062.5)]


def test_approvals_by_people_without_mfa(database):
    assert answer(database, "without_mfa", AUTUMN) == [
        ("2026-07-01T00:00:00.999Z", "cyd", "slack"),
        ("2026-07-10T08:00:03.000Z", "eve", "api"),
        ("2026-08-02T00:00:04.000Z", "ben", "api"),
        ("2026-09-02T00:00:00.000Z", "eve", "api"),
    ]
    assert answer(database, "without_mfa", WINTER) == [
        ("2026-10-01T00:00:00.001Z", "cyd", "slack"), ("2026-11-25T00:01:02.120Z", "cyd", "slack")]


@pytest.mark.parametrize("query", ["approvals", "time_to_decide", "without_mfa"])
def test_a_quarter_without_events_has_no_rows(database, query):
    assert answer(database, query, "2020-05-05") == []


def test_both_tables_have_the_same_columns(database):
    athena = [line.split()[0].strip("`") for line in (QUERIES / "table.sql").read_text().splitlines() if line.startswith("  `")]
    here = [row[0] for row in database.execute("DESCRIBE events").fetchall()]
    assert [*athena, "dt"] == here
