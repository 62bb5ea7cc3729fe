"""A call over loopback counts as one over TLS (aws:SecureTransport): nobody stands between there.

Stock: a bucket whose policy refuses plain http, as ours do, refuses every call of a function.
"""

from ministack import app

from engine.patching import wrap


def apply() -> None:
    wrap(app, "pin_request_origin", "de819c1bd9ac", _pin)


def _pin(original, source_ip: str, secure_transport: bool) -> None:
    original(source_ip, secure_transport or source_ip in ("127.0.0.1", "::1"))
