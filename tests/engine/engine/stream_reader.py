"""Reads a table's stream for one mapping and brings each batch to its function, with AWS's rules for failures.

The stream has one shard. A mapping reads it in as many lanes as its ParallelizationFactor says, and all records of one
partition key go by one lane. A lane is strictly in order: a batch that fails blocks its own lane until it succeeds, is
given up or grows too old. Knows nothing of how the readers are started.
"""

import logging
import threading
import time
import zlib

from ministack.core.arn import parse_arn
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import dynamodb, lambda_svc

logger = logging.getLogger("engine.stream")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Bell:
    """Counts rings, so that a ring between a look and a wait is not missed."""

    def __init__(self):
        self._changed = threading.Condition()
        self.count = 0

    def ring(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout: float) -> None:
        """Return as soon as there is a ring after the `seen`th one, or at the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self.count != seen, timeout)


class _Interrupted(Exception):
    """The mapping was deleted or disabled while a batch was tried: its position stays where it was."""


def lanes(mapping: dict) -> int:
    """In how many lanes the mapping reads its stream."""
    return int(mapping.get("ParallelizationFactor") or 1)


class Reader(threading.Thread):
    """One lane of a mapping. Ends by itself when its mapping is deleted."""

    def __init__(self, account: str, region: str, mapping: dict, lane: int, bell: Bell):
        super().__init__(daemon=True, name=f"stream-{mapping['FunctionName']}-{lane}")
        self._scope, self._mapping, self._lane, self._bell = (account, region), mapping, lane, bell
        self._id, self._arn = mapping["UUID"], mapping["EventSourceArn"]
        self._position = self._id if lane == 0 else f"{self._id}/{lane}"
        self.placed = threading.Event()
        self._table = lambda_svc._dynamodb_stream_table_from_arn_spec(parse_arn(self._arn))[0]
        self._window_end = None

    def run(self) -> None:
        set_request_account_id(self._scope[0])
        set_request_region(self._scope[1])
        with lambda_svc._dynamodb_stream_positions_lock:
            positions = lambda_svc._dynamodb_stream_positions
            positions.setdefault(self._position, positions.get(self._id, 0))
        self.placed.set()
        while self._exists():
            seen = self._bell.count
            try:
                worked = self._enabled() and self._read_batch()
            except _Interrupted:
                worked = False
            except Exception:
                logger.exception("stream mapping %s failed", self._id)
                worked = False
            if not worked:
                self._bell.wait(seen, 0.5 if self._window_end is None else 0.05)

    def _exists(self) -> bool:
        return lambda_svc._esms.get(self._id) is self._mapping

    def _enabled(self) -> bool:
        return self._exists() and str(self._mapping.get("Enabled", True)).lower() != "false"

    def _read_batch(self) -> bool:
        """Read from the mapping's position and move it past what was read. False when nothing is there."""
        table = dynamodb._tables.get(self._table)
        if not table or table.get("LatestStreamArn") != self._arn or self._function() is None:
            return False
        with lambda_svc._dynamodb_stream_positions_lock:
            position = max(lambda_svc._dynamodb_stream_positions.get(self._position, 0), dynamodb.stream_start_position(self._table))
        size = int(self._mapping.get("BatchSize") or 100)
        records = dynamodb.stream_records_since(self._table, position, size)
        if not records or self._batch_may_grow(len(records), size):
            return False
        batch = lambda_svc._apply_filter_criteria([r for r in records if self._is_mine(r)], self._mapping)
        if batch:
            self._deliver(batch)
        with lambda_svc._dynamodb_stream_positions_lock:
            if self._exists():
                lambda_svc._dynamodb_stream_positions[self._position] = position + len(records)
        return True

    def _is_mine(self, record: dict) -> bool:
        keys = record["dynamodb"]["Keys"]
        partition = repr(keys[dynamodb._tables[self._table]["pk_name"]])
        return zlib.crc32(partition.encode()) % lanes(self._mapping) == self._lane

    def _batch_may_grow(self, count: int, size: int) -> bool:
        window = float(self._mapping.get("MaximumBatchingWindowInSeconds") or 0)
        if window and count < size:
            self._window_end = self._window_end or time.monotonic() + window
            if time.monotonic() < self._window_end:
                return True
        self._window_end = None
        return False

    def _deliver(self, records: list[dict]) -> None:
        """Return when every record was handled by the function or given up."""
        parts = [records]
        while parts:
            batch, failures = parts.pop(0), 0
            while batch := self._drop_aged(batch, failures):
                result = lambda_svc._execute_function(self._function(), {"Records": batch})
                if result.get("throttle"):
                    self._pause(FIRST_PAUSE)
                    continue
                first_failed = self._first_failed(result, batch)
                if first_failed is None:
                    self._note(f"OK - {len(batch)} records")
                    break
                if first_failed > 0:  # what comes before is done: a new, smaller batch
                    batch, failures = batch[first_failed:], 0
                elif self._mapping.get("BisectBatchOnFunctionError") and len(batch) > 1:  # costs no attempt
                    middle = len(batch) // 2
                    parts.insert(0, batch[middle:])
                    batch, failures = batch[:middle], 0
                else:
                    failures += 1
                    limit = self._mapping.get("MaximumRetryAttempts")
                    if limit is not None and 0 <= int(limit) < failures:
                        self._give_up(batch, failures, result, "RetryAttemptsExhausted")
                        break
                logger.warning("%s failed on a batch of %s: %s", self.name, self._table, result.get("body"))
                self._note("PROBLEM: Function call failed")
                self._pause(min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE))

    def _first_failed(self, result: dict, batch: list[dict]) -> int | None:
        """Index of the first record that has to be tried again, or None when all are done."""
        if result.get("error"):
            return 0
        answer = result.get("body")
        if "ReportBatchItemFailures" not in (self._mapping.get("FunctionResponseTypes") or []) or not answer:
            return None
        if not isinstance(answer, dict):
            return 0
        failures = answer.get("batchItemFailures") or []
        numbers = {record["dynamodb"]["SequenceNumber"]: index for index, record in enumerate(batch)}
        # An entry that names no record of the batch makes the whole batch a failure.
        return min((numbers.get(entry.get("itemIdentifier"), 0) for entry in failures), default=None)

    def _drop_aged(self, batch: list[dict], failures: int) -> list[dict]:
        limit = int(self._mapping.get("MaximumRecordAgeInSeconds") or -1)
        if limit < 0:
            return batch
        oldest = time.time() - limit
        aged = [record for record in batch if record["dynamodb"]["ApproximateCreationDateTime"] < oldest]
        if aged:
            self._give_up(aged, failures, {}, "MaxRecordAgeExceeded")
        return batch[len(aged):]

    def _give_up(self, batch: list[dict], failures: int, result: dict, reason: str) -> None:
        self._note("PROBLEM: Function call failed")
        logger.warning("%s gives up %d records of %s: %s", self.name, len(batch), self._table, reason)
        lambda_svc._send_ddb_stream_failure_record(
            self._mapping, self._function(), batch, self._arn, {**result, "invoke_count": failures}, reason)

    def _function(self) -> dict | None:
        # Looked up each time: new code of a function takes part in the next attempt.
        return lambda_svc._get_func_record_for_qualifier(self._mapping["FunctionName"], self._mapping.get("Qualifier"))[0]

    def _note(self, result: str) -> None:
        self._mapping["LastProcessingResult"] = result

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            time.sleep(min(rest, 0.1))
            if not self._enabled():
                raise _Interrupted
