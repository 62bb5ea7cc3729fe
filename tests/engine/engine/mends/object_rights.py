"""An object is written with tags or a retention of its own only with the right to each, and only who may list a bucket is
told that an object is not there: who may not is refused.

Stock: s3:PutObject is enough for all that a PUT carries, and everybody gets NoSuchKey.
"""

from ministack.core import iam_actions
from ministack.services import s3

from engine.patching import wrap

CARRIED = {
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
}


def apply() -> None:
    wrap(iam_actions, "s3_additional_checks", "26e5e5602d74", _checks)


def _checks(original, method, path, headers, body, query_params):
    checks = original(method, path, headers, body, query_params)
    name, _, key = path.lstrip("/").partition("/")
    action = key and iam_actions._s3_action(method, path, query_params)
    if action == "PutObject":
        checks += [(right, f"arn:aws:s3:::{name}/{key}") for header, right in CARRIED.items() if headers.get(header)]
    elif action == "GetObject" and key not in (s3._buckets.get(name) or {}).get("objects", ()):
        checks.append(("s3:ListBucket", f"arn:aws:s3:::{name}"))
    return checks
