"""What several mends need to know about running state machines: whose task is running, and which tokens were given out.

A token belongs to one attempt of one task. It is open while that task waits, then closed for good.
"""

import contextvars
import threading
from dataclasses import dataclass

from ministack.services import stepfunctions

from engine.patching import wrap


@dataclass
class Issued:
    """One token that was given out."""

    execution_arn: str
    state_machine_arn: str
    open: bool = True


# The execution whose task runs in this context (ministack's own record of it), or None.
current = contextvars.ContextVar("execution", default=None)

_issued: dict[str, Issued] = {}
_lock = threading.Lock()
_installed = False


def install() -> None:
    """Start to keep these records; a mend that reads them calls this, and a second call does nothing."""
    global _installed
    if not _installed:
        _installed = True
        wrap(stepfunctions, "_execute_task", "53c818d247db", _remember_execution)
        wrap(stepfunctions, "_invoke_with_callback", "bbb38423156a", _remember_token)


def issued(token: str) -> Issued | None:
    """The record of a token, or None if the engine never gave it out."""
    return _issued.get(token)


def close_tokens_of(execution_arn: str) -> None:
    """Close every token of an execution that has ended."""
    with _lock:
        for record in _issued.values():
            if record.execution_arn == execution_arn:
                record.open = False


def _remember_execution(original, state_def, raw_input, execution, ctx):
    reset = current.set(execution)
    try:
        return original(state_def, raw_input, execution, ctx)
    finally:
        current.reset(reset)


def _remember_token(original, resource, input_data, token, state_def):
    execution = current.get() or {}
    record = Issued(execution.get("executionArn", ""), execution.get("stateMachineArn", ""))
    with _lock:
        _issued[token] = record
    try:
        return original(resource, input_data, token, state_def)
    finally:
        record.open = False
