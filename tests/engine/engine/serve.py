"""Serves ministack on its one port, and ends at once with all its function processes on SIGTERM or SIGINT."""

import asyncio
import logging
import os
import signal
import socket
import time
from pathlib import Path

from engine.environment import Settings, SettingsError


def run(settings: Settings) -> None:
    """Serve until a signal ends the process. Refuses a port that is taken."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    _refuse_a_taken_port(settings)
    config = Config()
    config.bind = [f"{settings.host}:{settings.port}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ["LOG_LEVEL"]
    logging.getLogger("hypercorn.error").setLevel(os.environ["LOG_LEVEL"])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_now)
    # A trigger of our own: without one hypercorn replaces the signal handlers and waits for open connections.
    asyncio.run(serve(app, config, shutdown_trigger=asyncio.Event().wait))


def _refuse_a_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((settings.host, settings.port)) == 0:
            raise SettingsError(f"port {settings.port} is taken: end what listens there or set another GATEWAY_PORT")


def _end_now(*_) -> None:
    """All state is in memory, so there is nothing to save: kill the functions' processes and go."""
    from ministack.services import lambda_svc

    # Spawning holds this lock: while we hold it no process can be born that nobody kills.
    lambda_svc._provided_code_lock.acquire(timeout=1)
    for pid in _descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _collect_children(seconds=0.5)
    os._exit(0)


def _collect_children(seconds: float) -> None:
    """No zombie stays behind in a container whose first process collects none."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.005)
    except ChildProcessError:
        pass  # all are collected


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (name) state ppid …: the name may hold anything, so read after its last bracket.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, queue = [], [root]
    while queue:
        for pid in children.get(queue.pop(), []):
            found.append(pid)
            queue.append(pid)
    return found
