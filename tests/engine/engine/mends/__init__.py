"""The mends: each a module of one idea with `apply()`, its docstring saying what holds with it and what is wrong without."""

import importlib

from engine import patching

# Those that edit a function come before those that wrap it.
ALL = (
    "callback_errors",
    "heartbeat",
    "attempt_tokens",
    "latency",
    "stream_failures",
    "request_cookies",
    "closed_tokens",
    "token_rights",
    "task_role",
    "object_lock",
    "invoke_permission",
    "bearer_on_iam",
    "filter_patterns",
    "mapping_role",
    "schedule_pace",
    "loopback_tls",
    "signing_conditions",
    "object_rights",
)


def apply_all(without: frozenset[str] = frozenset()) -> None:
    """Apply every mend but those named, which is for proving that a mend is needed. Refuses an unexpected ministack."""
    patching.check_version()
    if unknown := without.difference(ALL):
        raise patching.ShapeError(f"ENGINE_WITHOUT names no mend: {', '.join(sorted(unknown))} (there are: {', '.join(ALL)})")
    for name in ALL:
        if name not in without:
            importlib.import_module(f"engine.mends.{name}").apply()
