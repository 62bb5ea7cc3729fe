"""Cookies of a request reach a function of an HTTP API in the event's `cookies`, and no longer as a header.

Stock: they come as the `cookie` header.
"""

from ministack.services import apigateway

from engine.patching import edit


def apply() -> None:
    body = '    if req_body is not None:\n        event["body"] = req_body\n'
    edit(apigateway, "_invoke_lambda_proxy", (body, body + "    _mend_move_cookies(event)\n"), _mend_move_cookies=_move)


def _move(event: dict) -> None:
    if cookies := event["headers"].pop("cookie", None):
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
