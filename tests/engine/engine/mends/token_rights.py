"""A role that may states:SendTaskSuccess on one state machine may answer the tokens of that state machine.

Stock: a token is checked against the resource `*` only, so a policy that names the state machine is never enough.
"""

import json

from ministack.core import iam_actions

from engine import executions
from engine.patching import wrap

ACTIONS = ("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat")


def apply() -> None:
    executions.install()
    wrap(iam_actions, "extract_iam_action", "ec476b92d969", _action)
    wrap(iam_actions, "extract_resource_arn", "82f51700695c", _resource)


def _action(original, service, method, path, headers, body, query_params):
    action = original(service, method, path, headers, body, query_params)
    # A token that was never given out belongs to no state machine: only the credentials can be checked.
    return None if action in ACTIONS and _issued(body) is None else action


def _resource(original, service, method, path, headers, body, *rest):
    if service == "states" and headers.get("x-amz-target", "").split(".")[-1].startswith("SendTask"):
        if record := _issued(body):
            return record.state_machine_arn
    return original(service, method, path, headers, body, *rest)


def _issued(body: bytes):
    try:
        token = json.loads(body)["taskToken"]
    except (ValueError, KeyError, TypeError):
        return None
    return executions.issued(token) if isinstance(token, str) else None
