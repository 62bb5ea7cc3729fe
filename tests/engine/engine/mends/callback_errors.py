"""A function that fails inside a waitForTaskToken task fails the task, and the task's time runs from its start.

Stock: the error is swallowed, so the execution hangs until its timeout, and the timeout starts after the function's end.
"""

import contextvars
import threading

from ministack.services import stepfunctions

from engine.patching import edit


def apply() -> None:
    edit(
        stepfunctions, "_invoke_with_callback",
        ("        try:\n"
         "            _call_lambda(func_ref, lambda_payload)\n"
         "        except _ExecutionError:\n"
         "            pass\n",
         "        _mend_start_function(token, func_ref, lambda_payload)\n"),
        _mend_start_function=_start_function)


def _start_function(token: str, func_ref, payload) -> None:
    """Run the function beside the wait for its token; its failure ends the wait unless the token has come first."""
    waiting = stepfunctions._task_tokens[token]

    def run():
        try:
            stepfunctions._call_lambda(func_ref, payload)
            return
        except stepfunctions._ExecutionError as error:
            failure = {"Error": error.error, "Cause": error.cause}
        except Exception as error:  # whatever else goes wrong must not hang the task either
            failure = {"Error": "Lambda.Unknown", "Cause": str(error)}
        if not waiting["event"].is_set():
            waiting["error"] = failure
            waiting["event"].set()

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True, name="callback-function").start()
