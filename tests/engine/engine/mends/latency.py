"""Calls of a function cost what the function costs.

Stock: after a silent call the engine waits 50 to 100 ms for a log line, each event reaches the function in two packets
(40 ms of delayed acknowledgement), and an execution of a state machine starts 150 ms late.
"""

import fcntl
import os
import queue
import select
import struct
import termios
import threading
import time

from ministack.core import lambda_runtime
from ministack.services import stepfunctions

from engine.patching import edit, wrap

LOG_WAIT = 1


def apply() -> None:
    wrap(lambda_runtime.ProvidedWorker, "_build_handler_class", "806d5b8e5060", _one_packet)
    wrap(lambda_runtime.ProvidedWorker, "_pump_output", "0ee89e67e926", _pump)
    wrap(lambda_runtime.Worker, "_drain_stderr_bounded", "3fd7cc742872", _drain)
    edit(stepfunctions, "_run_execution", ("    time.sleep(0.15)\n", "    time.sleep(0.005)\n"))


def _one_packet(original, *args):
    handler = original(*args)
    handler.disable_nagle_algorithm = True
    handler.wbufsize = -1  # headers and body leave together, flushed at the end of each request
    return handler


def _pump(_original, worker, stream, lines) -> None:
    """From the pipe to the queue. Under the lock: what is not in the pipe any more is in the queue."""
    partial, ready = b"", select.poll()  # not select(), which knows no file beyond the 1024th
    ready.register(stream, select.POLLIN)
    try:
        while ready.poll():
            with _lock(worker):
                chunk = os.read(stream.fileno(), 65_536)
                *whole, partial = (partial + chunk).split(b"\n")
                for line in whole if chunk else [partial]:
                    if lines.full():
                        lines.get_nowait()  # the oldest: a pipe that nobody empties stops the function
                    lines.put_nowait(line.decode(errors="replace").rstrip("\r"))
                if not chunk:
                    break
    except (OSError, ValueError, queue.Empty):  # closed under our hands: the environment is torn down
        pass
    finally:
        stream.close()


def _drain(original, worker, **waits):
    """The log lines of the call that has just ended: all that the process wrote before it answered."""
    process = worker._proc
    if waits or not isinstance(worker, lambda_runtime.ProvidedWorker) or process is None:
        return original(worker, **waits)
    end = time.monotonic() + LOG_WAIT
    while _is_unread(worker, process.stdout) and time.monotonic() < end:
        time.sleep(0.0005)
    return worker._drain_stderr()


def _is_unread(worker, stream) -> bool:
    with _lock(worker):
        try:
            return struct.unpack("i", fcntl.ioctl(stream, termios.FIONREAD, b"\0\0\0\0"))[0] > 0
        except (OSError, ValueError):  # closed: the process has ended
            return False


def _lock(worker) -> threading.Lock:
    return worker.__dict__.setdefault("_log_lock", threading.Lock())
