"""Whether a role that a service acts under may do something, by the engine's own policy evaluation."""

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region


def role_lacks(role_arn: str, session: str, action: str, resource: str) -> str | None:
    """AWS's message when the role may not do the action on the resource, or None when it may (or AUTH is off)."""
    if not app.AUTH:
        return None
    account, role = get_account_id(), role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    context = iam_evaluator.EvalContext(
        principal_arn=principal, principal_type="AssumedRole", principal_account=account,
        action=action, resource_arn=resource, region=get_region())
    if iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(role, account)).decision == "Allow":
        return None
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource}"


def service_may_invoke(function: dict, service: str, *source_arns: str) -> bool:
    """Whether a function's own policy (Lambda::Permission) lets the service invoke it for one of these sources."""
    if not app.AUTH:
        return True
    account, arn = get_account_id(), function["config"]["FunctionArn"]

    def allowed(source: str) -> bool:
        context = iam_evaluator.EvalContext(
            principal_arn="*", principal_type="Service", principal_account="", action="lambda:InvokeFunction",
            resource_arn=arn, region=get_region(),
            service_context={"aws:sourcearn": source, "aws:sourceaccount": account})
        return iam_evaluator.evaluate_resource_policy(function["policy"], context, service=service).decision == "Allow"

    return any(allowed(source) for source in source_arns)
