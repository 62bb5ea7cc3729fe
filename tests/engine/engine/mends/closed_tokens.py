"""SendTaskSuccess, -Failure and -Heartbeat answer as AWS does: TaskTimedOut for a closed token, InvalidToken for none of ours.

A token is closed once it is answered, its attempt has failed or timed out, or its execution was stopped.
Stock: TaskDoesNotExist for all of these, and the token of a stopped execution is accepted.
"""

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

from engine import executions
from engine.patching import wrap


def apply() -> None:
    executions.install()
    wrap(stepfunctions, "_send_task_success", "12eff48bce57", _answer)
    wrap(stepfunctions, "_send_task_failure", "c2a489b4ed33", _answer)
    wrap(stepfunctions, "_send_task_heartbeat", "56879a4655d1", _answer)
    wrap(stepfunctions, "_stop_execution", "44d2d84ccd5c", _stop)


def _answer(original, data):
    token = data.get("taskToken") or ""
    waiting, record = stepfunctions._task_tokens.get(token), executions.issued(token)
    if waiting is None and record is None:
        return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
    if waiting is None or waiting["event"].is_set() or (record and not record.open):
        return error_response_json("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400)
    return original(data)


def _stop(original, data):
    answer = original(data)
    if answer[0] == 200:
        executions.close_tokens_of(data.get("executionArn"))
    return answer
