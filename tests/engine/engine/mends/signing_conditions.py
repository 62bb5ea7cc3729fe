"""A policy's conditions on kms:SigningAlgorithm and kms:MessageType hold for a call of Sign or Verify.

Stock: no call has these keys, so a statement with such a condition never applies and the signer is refused.
"""

import json

from ministack.core import iam_actions

from engine.patching import wrap


def apply() -> None:
    wrap(iam_actions, "request_tag_context", "d46adb816e02", _context)


def _context(original, service, iam_action, body, params):
    context = original(service, iam_action, body, params)
    if iam_action in ("kms:Sign", "kms:Verify"):
        try:
            call = json.loads(body)
            # RAW where the call does not say.
            context |= {"kms:SigningAlgorithm": str(call["SigningAlgorithm"]), "kms:MessageType": str(call.get("MessageType", "RAW"))}
        except (ValueError, KeyError, TypeError, AttributeError):
            pass  # The call is refused for its form; a condition does not hold meanwhile.
    return context
