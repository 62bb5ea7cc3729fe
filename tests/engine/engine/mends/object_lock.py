"""CloudFormation's ObjectLockEnabled and ObjectLockConfiguration of a bucket take effect.

Stock: both are ignored, so a version under retention can be deleted.
"""

from xml.sax.saxutils import escape

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from engine.patching import ShapeError, expect


def apply() -> None:
    expect(provisioners._s3_create, "477b78a3cb15")
    expect(provisioners._s3_update, "1d4f3f6390bb")
    expect(s3._put_object_lock_configuration, "596d4a42de3b")
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    if handler["create"] is not provisioners._s3_create or handler["update"] is not provisioners._s3_update:
        raise ShapeError("AWS::S3::Bucket is created or updated by another function than expected")
    handler["create"], handler["update"] = _create, _update


def _create(logical_id, props, stack_name):
    name, attributes = provisioners._s3_create(logical_id, props, stack_name)
    _lock(name, props)
    return name, attributes


def _update(physical_id, old_props, new_props, stack_name):
    name, attributes = provisioners._s3_update(physical_id, old_props, new_props, stack_name)
    if name in s3._bucket_object_lock and not _wanted(new_props):
        raise ValueError(f"Object Lock of bucket {name} cannot be switched off again")
    _lock(name, new_props)
    return name, attributes


def _wanted(props) -> bool:
    return str(props.get("ObjectLockEnabled", "")).lower() == "true" or bool(props.get("ObjectLockConfiguration"))


def _lock(name: str, props) -> None:
    if not _wanted(props):
        return
    # Object Lock switches versioning on, as on AWS.
    s3._bucket_versioning[name] = "Enabled"
    status, _, body = s3._put_object_lock_configuration(name, _document(props.get("ObjectLockConfiguration") or {}))
    if status != 200:
        raise ValueError(f"ObjectLockConfiguration of bucket {name} is refused: {body.decode()}")


def _document(configuration) -> bytes:
    retention = (configuration.get("Rule") or {}).get("DefaultRetention")
    rule = ""
    if retention:
        fields = "".join(f"<{field}>{escape(str(retention[field]))}</{field}>" for field in ("Mode", "Days", "Years") if field in retention)
        rule = f"<Rule><DefaultRetention>{fields}</DefaultRetention></Rule>"
    return (f'<ObjectLockConfiguration xmlns="{s3.S3_NS}"><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}'
            "</ObjectLockConfiguration>").encode()
