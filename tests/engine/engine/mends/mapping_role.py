"""A stream mapping is refused when its function's role may not read the stream or write to the OnFailure queue.

Stock: rights of mappings are never looked at.
"""

from ministack.services import lambda_svc

from engine.mapping_checks import refuse_when
from engine.rights import role_lacks

READS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


def apply() -> None:
    refuse_when(_missing_right)


def _missing_right(mapping) -> str | None:
    stream = mapping.get("EventSourceArn", "")
    if ":dynamodb:" not in stream:
        return None
    function, _, name = lambda_svc._get_func_record_for_ref(mapping.get("FunctionName", ""))
    if function is None:
        return None  # refused elsewhere
    role = function["config"]["Role"]
    for action in READS:
        if role_lacks(role, name, action, stream):
            return (f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                    f"DescribeStream, and ListStreams Actions on your stream in IAM. (missing: {action})")
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
    if ":sqs:" in destination:
        return role_lacks(role, name, "sqs:SendMessage", destination)
    return None
