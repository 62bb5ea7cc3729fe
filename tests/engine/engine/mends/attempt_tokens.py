"""Each attempt of a waitForTaskToken task has its own token, as long as AWS's are and as awkward to carry.

Stock: one UUID of 36 characters for all attempts of a task, so the token of a failed attempt answers the next one.
"""

import base64
import secrets

from ministack.services import stepfunctions

from engine.patching import edit

# AWS's tokens are some hundred characters of base64; the API allows 2,048.
TOKEN_BYTES = 576


def apply() -> None:
    count = '        ctx["State"]["RetryCount"] = sum(retry_counts.values())\n'
    edit(
        stepfunctions, "_execute_task",
        (count, count + '        if is_callback:\n            ctx["Task"] = {"Token": _mend_new_token()}\n'),
        _mend_new_token=_new_token)


def _new_token() -> str:
    return base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode()
