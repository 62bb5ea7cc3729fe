"""Makes signatures.jsonl: calls to verify, with the verdict of slack_sdk 3.47.0 (PyPI).

    python -m venv v && v/bin/pip install slack_sdk==3.47.0 && v/bin/python signatures.py > signatures.jsonl
"""

import base64
import json
import random

from slack_sdk.signature import SignatureVerifier

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_795_570_000


class Clock:
    def now(self):
        return float(NOW)


def case(about, body, timestamp=str(NOW), signature=None, secret=SECRET):
    right = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    signature = right if signature is None else signature(right)
    try:
        verdict = SignatureVerifier(secret, Clock()).is_valid(body, timestamp, signature)
    except (ValueError, TypeError):
        verdict = "error"
    print(json.dumps({
        "about": about, "secret": secret, "timestamp": timestamp, "signature": signature,
        "body": base64.b64encode(body).decode(), "now": NOW, "slack_sdk": verdict,
    }, ensure_ascii=False))


rng = random.Random(7)
for size in (0, 1, 63, 64, 65, 1000, 5000):
    case(f"{size} random characters", "".join(map(chr, rng.choices(range(1, 0x2FF), k=size))).encode())
case("a form", "payload=%7B%22type%22%3A%22block_actions%22%7D&x=ü".encode())
case("line breaks and nul", b"a\r\nb\x00c\n")
for offset in (-301, -300, -299, -1, 1, 299, 300, 301, 86400, -86400):
    case(f"clock off by {offset} s", b"payload=x", timestamp=str(NOW + offset))
for about, timestamp in [
    ("a leading zero", f"0{NOW}"), ("a leading plus", f"+{NOW}"), ("a space before", f" {NOW}"),
    ("a space after", f"{NOW} "), ("an underscore", "1_795_570_000"), ("Arabic digits", "١٧٩٥٥٧٠٠٠٠"),
    ("a fraction", f"{NOW}.0"), ("words", "now"), ("nothing", ""), ("minus", f"-{NOW}"),
    ("far too big", "9" * 30), ("hexadecimal", hex(NOW)), ("exponent", "1.79557e9"),
]:
    case(f"timestamp: {about}", b"payload=x", timestamp=timestamp)
for about, change in [
    ("upper-case hex", lambda s: "v0=" + s[3:].upper()), ("upper-case version", lambda s: "V0=" + s[3:]),
    ("another version", lambda s: "v1=" + s[3:]), ("no version", lambda s: s[3:]),
    ("one digit short", lambda s: s[:-1]), ("one digit more", lambda s: s + "0"), ("empty", lambda s: ""),
    ("only the version", lambda s: "v0="), ("space after", lambda s: s + " "), ("space before", lambda s: " " + s),
    ("first digit changed", lambda s: "v0=" + ("1" if s[3] == "0" else "0") + s[4:]),
    ("last digit changed", lambda s: s[:-1] + ("1" if s[-1] == "0" else "0")),
    ("not ASCII", lambda s: s[:-1] + "é"), ("two in a list", lambda s: s + "," + s),
]:
    case(f"signature: {about}", b"payload=x", signature=change)
case("another secret", b"payload=x", secret="8f742231b10e8888abcd99yyyzzz85a6")
