"""HeartbeatSeconds of a waitForTaskToken task ends it with States.HeartbeatTimeout when no heartbeat comes in time.

Stock: it is ignored.
"""

import time

from ministack.services import stepfunctions

from engine.patching import edit, wrap


def apply() -> None:
    edit(
        stepfunctions, "_invoke_with_callback",
        ("    if not evt.wait(timeout=timeout):\n",
         "    if not _mend_wait_for_token(token, evt, timeout, state_def.get(\"HeartbeatSeconds\")):\n"),
        _mend_wait_for_token=_wait)
    edit(
        stepfunctions, "_send_task_heartbeat",
        ('    info["heartbeat"] = now_iso()\n',
         '    info["heartbeat"] = now_iso()\n    info["last_beat"] = time.monotonic()\n'))
    wrap(stepfunctions, "_error_matches", "519b9dc729c5", _matches)


def _wait(token: str, answered, timeout: float, heartbeat: float | None) -> bool:
    """Whether the token was answered within the timeout. Raises when a heartbeat is overdue."""
    start = time.monotonic()
    end = start + timeout
    waiting = stepfunctions._task_tokens[token]
    while True:
        overdue = waiting.get("last_beat", start) + heartbeat if heartbeat else end
        if answered.wait(max(0.0, min(overdue, end) - time.monotonic())):
            return True
        now = time.monotonic()
        if now >= end:
            return False
        if now >= waiting.get("last_beat", start) + heartbeat:
            stepfunctions._task_tokens.pop(token, None)
            raise stepfunctions._ExecutionError("States.HeartbeatTimeout", f"No heartbeat for {heartbeat} seconds")


def _matches(original, error_equals, error):
    # A missed heartbeat is a timeout too.
    if error == "States.HeartbeatTimeout" and "States.Timeout" in error_equals:
        return True
    return original(error_equals, error)
