"""The workflow: every task tries again, catches everything, and has one fixed limit; no error passes unseen."""
import re

import pytest

import template

STATES = template.workflow()["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
LAMBDA = {"Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException",
          "Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException"}
KILLED = {"Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"}
REFUSED = {"RequestNotFound", "InvalidInput"}


def named(rules):
    return [error for rule in rules for error in rule["ErrorEquals"]]


def rule_for(rules, error):
    """The first rule that takes the error, as Step Functions chooses it."""
    for rule in rules:
        for name in rule["ErrorEquals"]:
            if name in (error, "States.ALL") or (name == "States.TaskFailed" and error != "States.Timeout"):
                return rule
    return None


def test_it_is_review_then_seal():
    assert template.workflow()["StartAt"] == "Review" and set(TASKS) == {"Review", "Seal"}
    assert template.workflow()["QueryLanguage"] == "JSONPath"
    assert (TASKS["Review"]["Next"], TASKS["Seal"]["Next"], STATES["Sealed"]["Type"]) == ("Seal", "Sealed", "Succeed")


def test_limits_are_fixed():
    assert {name: task["TimeoutSeconds"] for name, task in TASKS.items()} == {"Review": 90 * 24 * 3600, "Seal": 120}
    assert not any(key.endswith("SecondsPath") or key == "HeartbeatSeconds" for task in TASKS.values() for key in task)


def test_the_limit_of_seal_is_longer_than_the_archiver_may_run(stack):
    assert TASKS["Seal"]["TimeoutSeconds"] > stack["Archiver"]["Properties"]["Timeout"]


def test_what_the_functions_are_given():
    assert TASKS["Review"]["Resource"] == "arn:aws:states:::lambda:invoke.waitForTaskToken"
    assert TASKS["Review"]["Parameters"]["Payload"] == {
        "id.$": "$.id", "n.$": "$.n", "retry.$": "$$.State.RetryCount", "token.$": "$$.Task.Token"}
    assert TASKS["Seal"]["Resource"] == "arn:aws:states:::lambda:invoke"
    assert TASKS["Seal"]["Parameters"]["Payload"] == {"seal.$": "$.id"}
    # The answer goes beside the input and never over it: Seal still needs the id.
    assert TASKS["Review"]["ResultPath"] == "$.review"


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_error_has_a_retry_and_a_catch(name):
    task = TASKS[name]
    for rules in (task["Retry"], task["Catch"]):
        for error in LAMBDA | KILLED | REFUSED | {"States.Timeout", "StorageUnavailable", "SomethingNew"}:
            assert rule_for(rules, error), f"{error} in {name}"
        assert rules[-1]["ErrorEquals"] == ["States.ALL"], "the last takes all that is left"
        assert len(named(rules)) == len(set(named(rules))), "an error that is named twice has a rule that never holds"
        assert LAMBDA <= set(named(rules)) and REFUSED <= set(named(rules))
        # A name after States.TaskFailed would never be reached.
        after = named(rules)[named(rules).index("States.TaskFailed") + 1:]
        assert after == ["States.ALL"]


@pytest.mark.parametrize("name, function", [("Review", "notifier"), ("Seal", "archiver")])
def test_each_error_of_the_functions_is_named_and_no_other(name, function):
    handler = template.INFRA.parent / "functions" / function / "src" / "handler.rs"
    thrown = set(re.findall(r'Error::\w+(?:\(_\))? => "(\w+)"', handler.read_text()))
    for rules in (TASKS[name]["Retry"], TASKS[name]["Catch"]):
        assert thrown == {error for error in named(rules) if "." not in error}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_what_cannot_get_better_is_not_tried_again(name):
    for error in REFUSED:
        assert rule_for(TASKS[name]["Retry"], error)["MaxAttempts"] == 0
        assert rule_for(TASKS[name]["Catch"], error)["Next"] == f"{name}Refused"


def test_a_review_that_ran_out_is_left_to_the_relay():
    assert rule_for(TASKS["Review"]["Retry"], "States.Timeout")["MaxAttempts"] == 0
    assert rule_for(TASKS["Review"]["Catch"], "States.Timeout")["Next"] == "ReviewTimedOut"


def waits(rule):
    """The seconds before each further try."""
    return [min(rule["IntervalSeconds"] * rule["BackoffRate"] ** n, rule["MaxDelaySeconds"]) for n in range(rule["MaxAttempts"])]


@pytest.mark.parametrize("error", ["ArchiveUnavailable", "StorageUnavailable", "LogHalted", "Lambda.ServiceException", "Lambda.Unknown",
                                   "States.Timeout", "SomethingNew"])
def test_sealing_is_tried_for_a_day_and_then_fails_for_all_to_see(error):
    rule = rule_for(TASKS["Seal"]["Retry"], error)
    assert 24 * 3600 <= sum(waits(rule)) <= 25 * 3600 and max(waits(rule)) <= 300
    assert rule_for(TASKS["Seal"]["Catch"], error)["Next"] == "SealFailed"


@pytest.mark.parametrize("error", ["StorageUnavailable", "Lambda.TooManyRequestsException"])
def test_a_review_outlasts_an_hour_of_trouble(error):
    assert sum(waits(rule_for(TASKS["Review"]["Retry"], error))) >= 3600


def test_every_end_is_reached_and_says_what_it_is():
    reached = {rule["Next"] for task in TASKS.values() for rule in task["Catch"]} | {t["Next"] for t in TASKS.values()}
    assert reached | {"Review"} == set(STATES)
    for name, state in STATES.items():
        assert state["Comment"]
        if state["Type"] == "Fail":
            assert state["Error"] == name and state["Cause"]


def test_every_placeholder_is_filled_and_none_is_left_over(stack):
    placeholders = set(re.findall(r"\$\{(\w+)\}", (template.INFRA / "workflow.asl.json").read_text()))
    given = stack["Machine"]["Properties"]["DefinitionSubstitutions"]
    assert placeholders == set(given)
    assert given == {"NotifierFunction": "${Notifier.Arn}", "ArchiverFunction": "${Archiver.Arn}"}


def test_the_machine_has_the_stacks_name_and_logs_no_data(stack):
    machine = stack["Machine"]["Properties"]
    assert (machine["StateMachineName"], machine["StateMachineType"]) == ("cs-requests", "STANDARD")
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    for function in ("Intake", "Relay"):
        assert stack[function]["Properties"]["Environment"]["Variables"]["STATE_MACHINE_ARN"].endswith(":cs-requests")
