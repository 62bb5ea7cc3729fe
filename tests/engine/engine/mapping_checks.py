"""One place where a new or changed event source mapping can be refused, by API and by CloudFormation alike."""

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from engine.patching import ShapeError, expect, wrap

_TYPE = "AWS::Lambda::EventSourceMapping"
# Each takes the mapping's properties and returns why it is refused, or None.
_checks = []


def refuse_when(check) -> None:
    """Add a check. Each mapping must pass all of them."""
    if not _checks:
        _install()
    _checks.append(check)


def _install() -> None:
    wrap(lambda_svc, "_create_esm", "d351521bb6cd", lambda original, data: _refusal(data) or original(data))
    wrap(lambda_svc, "_update_esm", "1b7e0409cb65", _update_by_api)
    expect(provisioners._lambda_esm_create, "f053a4e8c30c")
    expect(provisioners._lambda_esm_update, "aa8165621335")
    handler = provisioners._RESOURCE_HANDLERS[_TYPE]
    if handler["create"] is not provisioners._lambda_esm_create or handler["update"] is not provisioners._lambda_esm_update:
        raise ShapeError(f"{_TYPE} is created or updated by another function than expected")
    handler["create"], handler["update"] = _create_by_stack, _update_by_stack


def _reason(properties) -> str | None:
    return next(filter(None, (check(properties) for check in _checks)), None)


def _refusal(properties):
    reason = _reason(properties)
    return error_response_json("InvalidParameterValueException", reason, 400) if reason else None


def _update_by_api(original, mapping_id, data):
    return _refusal({**(lambda_svc._esms.get(mapping_id) or {}), **data}) or original(mapping_id, data)


def _create_by_stack(logical_id, props, stack_name):
    if reason := _reason(props):
        raise ValueError(reason)
    return provisioners._lambda_esm_create(logical_id, props, stack_name)


def _update_by_stack(physical_id, old_props, new_props, stack_name):
    if reason := _reason(new_props):
        raise ValueError(reason)
    return provisioners._lambda_esm_update(physical_id, old_props, new_props, stack_name)
