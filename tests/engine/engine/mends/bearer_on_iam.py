"""An HTTP API route with AWS_IAM refuses an Authorization header that is not a SigV4 one: 403, as on AWS.

Stock: `Authorization: Bearer x` passes as nobody, and the function is called without any authorizer block.
"""

from ministack import app
from ministack.services import apigateway

from engine.patching import wrap


def apply() -> None:
    wrap(app, "_enforce_execute_api", "41e437c7b90d", _enforce)


def _enforce(original, api_id, stage, method, path, headers, query_params, **kwargs):
    signed = headers.get("authorization", "").startswith("AWS4-") or "X-Amz-Signature" in query_params
    if not signed and apigateway.route_authorization_type(api_id, stage, method, path) == "AWS_IAM":
        return 403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}'
    return original(api_id, stage, method, path, headers, query_params, **kwargs)
