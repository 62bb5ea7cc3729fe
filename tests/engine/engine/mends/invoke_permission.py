"""An HTTP API, a rule and a schedule invoke a function only if they may: by its Lambda::Permission, or by the schedule's role.

Refused, a call of the API is a 500 and a schedule passes in silence, as on AWS. Stock: nobody needs a permission.
"""

import logging

from ministack.core.arn import execute_api_arn
from ministack.services import apigateway, eventbridge, lambda_svc

from engine.patching import wrap
from engine.rights import role_lacks, service_may_invoke

logger = logging.getLogger("engine.permission")


def apply() -> None:
    wrap(apigateway, "_invoke_lambda_proxy", "fbe5024fcd36", _call_by_api)
    wrap(eventbridge, "_invoke_target", "550e304af080", _call_by_schedule)


async def _call_by_api(original, integration, api_id, stage, path, method, headers, body, query, route_key="$default", *rest, **scope):
    account, region = scope["owner_account_id"], scope["owner_region"]
    reference = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
    function, _, _ = lambda_svc._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    # A permission may name the request's path or its route's.
    sources = [execute_api_arn(region, account, api_id, stage, method, each) for each in (path, route_key.rpartition(" ")[2])]
    if function and not service_may_invoke(function, "apigateway.amazonaws.com", *sources):
        logger.warning("%s gives apigateway.amazonaws.com no permission for %s", reference, sources[0])
        return 500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}'
    return await original(integration, api_id, stage, path, method, headers, body, query, route_key, *rest, **scope)


def _call_by_schedule(original, target, event, rule, view=None):
    arn = target.get("Arn", "")
    function = lambda_svc._get_func_record_for_ref(arn)[0] if ":lambda:" in arn else None
    if function and not _scheduled_call_allowed(target, rule, function):
        logger.warning("%s may not invoke %s", rule.get("Arn"), arn)
        return None
    return original(target, event, rule, view)


def _scheduled_call_allowed(target, rule, function) -> bool:
    source = rule.get("Arn", "")
    if ":scheduler:" in source:
        return role_lacks(target.get("RoleArn", ""), "schedule", "lambda:InvokeFunction", target["Arn"]) is None
    return service_may_invoke(function, "events.amazonaws.com", source)
