"""The process environment of the engine, and so of the functions it runs. Knows nothing about ministack's inside.

A function inherits the engine's environment, so only what is named here is let through: no variable of the
developer's shell (credentials, proxies, RUST_LOG) reaches the engine or a function.
"""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

# Passed on as they are, when set.
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LOG_LEVEL", "PYTHONPATH", "ENGINE_MINUTE_SECONDS")


class SettingsError(Exception):
    """A setting that the engine cannot start with; the message says how to mend it."""


@dataclass(frozen=True)
class Settings:
    """What the rest of the engine needs to know about its environment."""

    host: str
    port: int
    without: frozenset[str]


def prepare() -> Settings:
    """Replace os.environ by the engine's own and return its settings. Call before ministack is imported."""
    given = dict(os.environ)
    host, port = _host(given.get("BIND_HOST", "127.0.0.1")), _port(given.get("GATEWAY_PORT", "4566"))
    folder = _folder(given.get("ENGINE_DIR", ""))
    region = given.get("MINISTACK_REGION", "eu-west-1")
    own_url = f"http://{host}:{port}"
    clean = {name: given[name] for name in KEPT if name in given}
    clean.setdefault("LOG_LEVEL", "WARNING")
    clean |= {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": host,
        "MINISTACK_HOST": given.get("MINISTACK_HOST", "localhost"),
        "MINISTACK_REGION": region,
        "AUTH": given.get("AUTH", "true"),
        # No listener but the gateway, no Docker, nothing kept on disk.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "S3_PERSIST": "0",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        # Root of the engine's one account, whatever the developer's own credentials are.
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # ministack hands its own AWS_ENDPOINT_URL to every function: another one puts a proxy in between.
        "AWS_ENDPOINT_URL": given.get("LAMBDA_ENDPOINT_URL", own_url),
    }
    os.environ.clear()
    os.environ.update(clean)
    without = frozenset(filter(None, (name.strip() for name in given.get("ENGINE_WITHOUT", "").split(","))))
    return Settings(host, port, without)


def _host(text: str) -> str:
    try:
        if ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise SettingsError(f"BIND_HOST is {text!r}: the engine has no real security, set a loopback address such as 127.0.0.1")


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise SettingsError(f"GATEWAY_PORT is {text!r}: set a port between 1 and 65535")


def _folder(text: str) -> Path:
    if not text:
        raise SettingsError("ENGINE_DIR is not set: name a folder for what the engine writes (unpacked function code)")
    folder = Path(text).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
