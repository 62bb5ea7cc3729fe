"""Stream mappings in detail: what a function sees, in which order, and what becomes of what it refuses."""

import json
import time

import pytest

from testkit import until

NOTE_KEYS = "def handle(event):\n    keys = [record['dynamodb']['Keys']['sk']['S'] for record in event['Records']]\n    note(keys)\n"
EVENTS_ONLY = {"Filters": [{"Pattern": '{"eventName":["INSERT"],"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"EVT#"}]}}}}'}]}


def letters(engine, queue, seconds=3):
    found = engine.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=seconds).get("Messages", [])
    return [json.loads(letter["Body"]) for letter in found]


def test_an_insert_reaches_the_function_at_once(engine):
    function, (table, stream) = engine.function(NOTE_KEYS), engine.table()
    engine.mapping(function, stream)
    engine.put(table, "EVT#0")
    until(function.notes)  # the function's process is up
    waits = []
    for number in range(1, 6):
        engine.put(table, f"EVT#{number}")
        start = time.monotonic()
        until(lambda: [f"EVT#{number}"] in function.notes(), pause=0.002)
        waits.append(time.monotonic() - start)
    assert sorted(waits)[2] < 0.2, waits


def test_a_filter_lets_only_inserted_events_through(engine):
    function, (table, stream) = engine.function(NOTE_KEYS), engine.table()
    engine.mapping(function, stream, FilterCriteria=EVENTS_ONLY)
    engine.put(table, "STATE", "EVT#1")
    engine.put(table, "STATE", "CARD#1", "EVT#2")
    engine.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "p"}, "sk": {"S": "EVT#1"}})
    engine.put(table, "EVT#3")
    assert until(lambda: (keys := sum(function.notes(), [])) and keys[-1] == "EVT#3" and keys) == ["EVT#1", "EVT#2", "EVT#3"]


def test_a_keys_only_record_carries_no_image(engine):
    function, (table, stream) = engine.function("def handle(event): note(event['Records'][0])"), engine.table()
    engine.mapping(function, stream)
    engine.put(table, "EVT#1")
    record = until(function.notes)[0]
    assert record["eventName"] == "INSERT" and record["eventSourceARN"] == stream
    assert record["dynamodb"]["Keys"] == {"pk": {"S": "p"}, "sk": {"S": "EVT#1"}}
    assert not {"NewImage", "OldImage"} & record["dynamodb"].keys()


def test_a_slow_function_delays_no_other_mapping_of_the_table(engine):
    table, stream = engine.table()
    slow = engine.function(NOTE_KEYS + "    time.sleep(5)\n")
    fast = engine.function(NOTE_KEYS)
    engine.mapping(slow, stream)
    engine.mapping(fast, stream)
    engine.put(table, "EVT#1")
    until(slow.notes)
    engine.put(table, "EVT#2")
    until(lambda: ["EVT#2"] in fast.notes(), seconds=2)
    assert ["EVT#2"] not in slow.notes()


def test_lanes_keep_the_order_of_a_key_and_do_not_wait_for_one_another(engine):
    function, (table, stream) = engine.function(
        "def handle(event):\n    for record in event['Records']:\n        key = record['dynamodb']['Keys']\n"
        "        if key['sk']['S'] == 'slow': time.sleep(4)\n        note([key['pk']['S'], key['sk']['S']])\n"), engine.table()
    engine.mapping(function, stream, ParallelizationFactor=4)
    put = lambda pk, sk: engine.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": sk}})
    put("held", "slow")
    for pk in [f"key-{n}" for n in range(16)] + ["held"]:
        for sk in ("1", "2", "3"):
            put(pk, sk)
    # A quarter of the keys share the slow one's lane, by chance more or less.
    seen = until(lambda: (notes := function.notes()) and len(notes) >= 18 and notes, seconds=3)
    assert ["held", "slow"] not in seen and ["held", "1"] not in seen
    seen = until(lambda: (notes := function.notes()) and len(notes) >= 52 and notes, seconds=10)
    for pk in {pk for pk, _ in seen}:
        assert [sk for key, sk in seen if key == pk] == (["slow"] if pk == "held" else []) + ["1", "2", "3"]


def test_a_failing_mapping_keeps_its_records_and_delays_no_other(engine):
    table, stream = engine.table()
    broken = engine.function(NOTE_KEYS + "    if len(open(os.environ['NOTES']).readlines()) < 4: raise ValueError('down')\n")
    healthy = engine.function(NOTE_KEYS)
    engine.mapping(broken, stream)
    engine.mapping(healthy, stream)
    engine.put(table, "EVT#1")
    until(lambda: ["EVT#1"] in healthy.notes(), seconds=2)
    assert until(lambda: len(broken.notes()) >= 4 and broken.notes()) == [["EVT#1"]] * 4
    engine.put(table, "EVT#2")
    until(lambda: broken.notes()[-1] == ["EVT#2"])


def test_a_bisected_batch_loses_only_what_cannot_be_handled(engine):
    function, (table, stream), (queue, queue_arn) = engine.function(
        NOTE_KEYS + "    if 'bad' in keys: raise ValueError('bad')\n"), engine.table(), engine.queue()
    engine.put(table, "a", "b", "bad", "c")
    engine.mapping(function, stream, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0,
                   DestinationConfig={"OnFailure": {"Destination": queue_arn}})
    [letter] = letters(engine, queue)
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1
    assert letter["requestContext"] | {"requestId": 0} == {
        "requestId": 0, "functionArn": function.arn, "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1}
    until(lambda: ["c"] in function.notes())
    assert function.notes() == [["a", "b", "bad", "c"], ["a", "b"], ["bad", "c"], ["bad"], ["c"]]


def test_records_that_are_too_old_are_given_up(engine):
    function, (table, stream), (queue, queue_arn) = engine.function(
        NOTE_KEYS + "    if 'bad' in keys: raise ValueError('bad')\n"), engine.table(), engine.queue()
    engine.mapping(function, stream, MaximumRecordAgeInSeconds=1, DestinationConfig={"OnFailure": {"Destination": queue_arn}})
    engine.put(table, "bad")
    assert [letter["requestContext"]["condition"] for letter in letters(engine, queue, 6)] == ["MaxRecordAgeExceeded"]
    engine.put(table, "good")
    until(lambda: ["good"] in function.notes())


@pytest.mark.parametrize("answer, calls", [
    ("None", 1), ("{}", 1), ("{'batchItemFailures': []}", 1), ("{'batchItemFailures': None}", 1),
    ("{'batchItemFailures': [{'itemIdentifier': ''}]}", 2), ("{'batchItemFailures': [{'wrong': 'name'}]}", 2), ("'text'", 2)])
def test_an_answer_counts_as_failure_or_not(engine, answer, calls):
    function, (table, stream), (queue, queue_arn) = engine.function(NOTE_KEYS + f"    return {answer}\n"), engine.table(), engine.queue()
    engine.mapping(function, stream, MaximumRetryAttempts=1, FunctionResponseTypes=["ReportBatchItemFailures"],
                   DestinationConfig={"OnFailure": {"Destination": queue_arn}})
    engine.put(table, "a")
    if calls > 1:
        assert letters(engine, queue)
    else:
        until(function.notes)
        engine.put(table, "z")
        until(lambda: ["z"] in function.notes())
    assert function.notes().count(["a"]) == calls


def test_a_disabled_mapping_goes_on_where_it_was(engine):
    function, other, (table, stream) = engine.function(NOTE_KEYS), engine.function(NOTE_KEYS), engine.table()
    mapping = engine.mapping(function, stream)
    engine.mapping(other, stream)
    engine.put(table, "1")
    until(lambda: ["1"] in function.notes())
    change = engine.client("lambda").update_event_source_mapping
    change(UUID=mapping, Enabled=False)
    engine.put(table, "2")
    until(lambda: ["2"] in other.notes())
    assert function.notes() == [["1"]]
    change(UUID=mapping, Enabled=True)
    until(lambda: ["2"] in function.notes())


def test_a_deleted_mapping_is_not_tried_again(engine):
    function, other, (table, stream) = engine.function(NOTE_KEYS + "    raise ValueError('always')\n"), engine.function(
        NOTE_KEYS + "    if len(open(os.environ['NOTES']).readlines()) < 4: raise ValueError('down')\n"), engine.table()
    mapping = engine.mapping(function, stream)
    engine.put(table, "1")
    until(function.notes)
    engine.client("lambda").delete_event_source_mapping(UUID=mapping)
    calls = len(function.notes())
    # Four attempts of another mapping, with the same pauses between them, are the time in which nothing may happen.
    engine.mapping(other, stream)
    until(lambda: len(other.notes()) == 4)
    assert len(function.notes()) <= calls + 1  # one call may have been under way


def test_latest_starts_after_what_is_there(engine):
    function, (table, stream) = engine.function(NOTE_KEYS), engine.table()
    engine.put(table, "old")
    engine.mapping(function, stream, StartingPosition="LATEST")
    engine.put(table, "new")
    assert until(function.notes) == [["new"]]
