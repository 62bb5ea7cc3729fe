"""Stream mappings of DynamoDB tables handle failures as AWS does, each lane of each mapping on its own thread.

ParallelizationFactor, ReportBatchItemFailures, BisectBatchOnFunctionError, MaximumRetryAttempts, MaximumRecordAgeInSeconds and OnFailure hold; a
mapping that waits or retries delays no other; a record reaches the function at once.
Stock: all of that but the record age is ignored, records are lost, and mappings wait for one another.
"""

from ministack.core import concurrency
from ministack.services import dynamodb, lambda_svc

from engine.patching import ShapeError, edit, expect
from engine.stream_reader import Bell, Reader, lanes


def apply() -> None:
    expect(lambda_svc._poll_dynamodb_streams, "2b2460e933a9")
    expect(lambda_svc._init_stream_position, "bef560b23a1a")
    expect(dynamodb._emit_stream_event, "8568d0446f26")
    if dynamodb.esm_wake is not concurrency.esm_wake:
        raise ShapeError("a new stream record rings another bell than expected")
    edit(lambda_svc, "_send_ddb_stream_failure_record",
         ('            "approximateInvokeCount": 1,\n', '            "approximateInvokeCount": result["invoke_count"],\n'))
    readers = _Readers()
    lambda_svc._poll_dynamodb_streams = readers.start_missing
    dynamodb.esm_wake = readers


class _Readers:
    """The readers of all mappings, started when ministack's own poll loop looks, and all woken by each new record."""

    def __init__(self):
        self._bell = Bell()
        self._readers: dict[tuple[str, int], Reader] = {}

    def set(self) -> None:
        """A record was written: ring for all readers, and for ministack's poll loop, which finds new mappings."""
        self._bell.ring()
        concurrency.esm_wake.set()

    def start_missing(self) -> bool:
        for account, region, mapping in lambda_svc._iter_all_esms():
            if ":dynamodb:" not in mapping.get("EventSourceArn", ""):
                continue
            # The first lane last: it moves the position from which the others begin.
            for lane in reversed(range(lanes(mapping))):
                known = self._readers.get((mapping["UUID"], lane))
                if not (known and known.is_alive()):
                    reader = self._readers[mapping["UUID"], lane] = Reader(account, region, mapping, lane, self._bell)
                    reader.start()
                    reader.placed.wait()
        return False  # nothing left for the poll loop itself to do
