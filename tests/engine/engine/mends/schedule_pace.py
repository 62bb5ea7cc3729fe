"""Schedules fire within a second of their time; ENGINE_MINUTE_SECONDS=2 makes the minute of rate(…) last two seconds.

Stock: due schedules are looked for every ten seconds only.
"""

import os

from ministack.services import eventbridge, scheduler

from engine.patching import ShapeError, wrap


def apply() -> None:
    if (eventbridge._SCHEDULER_TICK_INTERVAL, scheduler._SCHEDULE_TICK_INTERVAL) != (10, 10):
        raise ShapeError("the tick of the schedules is not ten seconds")
    minute = float(os.environ.get("ENGINE_MINUTE_SECONDS", "60"))
    eventbridge._SCHEDULER_TICK_INTERVAL = scheduler._SCHEDULE_TICK_INTERVAL = min(1.0, minute / 4)
    wrap(eventbridge, "_parse_rate_seconds", "0184f31e965e", lambda original, text: _scaled(original(text), minute))


def _scaled(seconds, minute: float):
    return None if seconds is None else seconds * minute / 60
