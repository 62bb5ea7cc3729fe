"""A state machine calls a function only if its own role may lambda:InvokeFunction it.

Stock: the role of a state machine is never looked at.
"""

from ministack.services import lambda_svc, stepfunctions

from engine import executions
from engine.patching import wrap
from engine.rights import role_lacks


def apply() -> None:
    executions.install()
    wrap(stepfunctions, "_call_lambda", "25830369b126", _call)


def _call(original, func_ref, event):
    execution = executions.current.get()
    _, config, _ = lambda_svc._get_func_record_for_ref(func_ref)
    if execution and config:
        machine = stepfunctions._state_machines[execution["stateMachineArn"]]
        resource = func_ref if str(func_ref).startswith("arn:") else config["FunctionArn"]
        lack = role_lacks(machine["roleArn"], execution["name"], "lambda:InvokeFunction", resource)
        if lack:
            raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", lack)
    return original(func_ref, event)
