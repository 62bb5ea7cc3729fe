"""Translates a SAM template to plain CloudFormation JSON, offline, and resolves nothing but what SAM itself makes.

    python translate.py template.yaml --code Intake=s3://bucket/intake.zip --code PolicyLayer=s3://bucket/policy.zip > out.json

Each function and layer needs a --code with its logical id. A state machine may have one too; without it a DefinitionUri
that names a file beside the template is put into the output, its DefinitionSubstitutions kept.
Parameters stay references: their defaults are kept away from the translator, which would write them into the output.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

LOCATIONS = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
# The managed policies that SAM attaches by name; everything else is named by ARN in the template.
MANAGED_POLICIES = {
    name: f"arn:aws:iam::aws:policy/{path}{name}" for name, path in (
        ("AWSLambdaBasicExecutionRole", "service-role/"), ("AWSLambdaVPCAccessExecutionRole", "service-role/"),
        ("AWSLambdaDynamoDBExecutionRole", "service-role/"), ("AWSXRayDaemonWriteAccess", ""), ("AWSXrayWriteOnlyAccess", ""))
}


class TranslateError(Exception):
    """Why there is no translation; the message says how to mend it."""


def translate(template_path: Path, code: dict[str, tuple[str, str]], region: str) -> dict:
    """The CloudFormation template. `code` maps logical ids to (bucket, key)."""
    # The translator asks boto3 for its region and nothing else.
    os.environ.update(AWS_DEFAULT_REGION=region, AWS_REGION=region)
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse(template_path.read_text())
    _place_code(template.get("Resources") or {}, code, template_path.parent, yaml_parse)
    defaults = {name: parameter.pop("Default") for name, parameter in (template.get("Parameters") or {}).items() if "Default" in parameter}
    try:
        translated = transform(template, {}, _ManagedPolicies())
    except InvalidDocumentException as error:
        raise TranslateError("\n".join([error.message, *(cause.message for cause in error.causes)])) from error
    for name, value in defaults.items():
        translated["Parameters"][name]["Default"] = value
    return translated


def _place_code(resources: dict, code: dict, folder: Path, parse) -> None:
    unused = set(code)
    for logical_id, resource in resources.items():
        location = LOCATIONS.get(resource.get("Type"))
        if location is None:
            continue
        properties = resource.setdefault("Properties", {})
        if logical_id in code:
            unused.remove(logical_id)
            bucket, key = code[logical_id]
            properties[location] = {"Bucket": bucket, "Key": key}
        elif location == "DefinitionUri":
            _place_definition(logical_id, properties, folder, parse)
        elif "InlineCode" not in properties:
            raise TranslateError(f"{logical_id} has no code: add --code {logical_id}=s3://bucket/key")
    if unused:
        raise TranslateError(f"--code names no function, layer or state machine of the template: {', '.join(sorted(unused))}")


def _place_definition(logical_id: str, properties: dict, folder: Path, parse) -> None:
    uri = properties.pop("DefinitionUri", None)
    if uri is None:
        return
    if not isinstance(uri, str) or not (folder / uri).is_file():
        raise TranslateError(f"{logical_id}: DefinitionUri {uri!r} is no file beside the template: mend it or add --code {logical_id}=s3://bucket/key")
    properties["Definition"] = parse((folder / uri).read_text())  # JSON is YAML too


class _ManagedPolicies:
    def load(self) -> dict[str, str]:
        return MANAGED_POLICIES


def _code(text: str) -> tuple[str, tuple[str, str]]:
    found = re.fullmatch(r"(\w+)=s3://([^/]+)/(.+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not LogicalId=s3://bucket/key")
    return found[1], (found[2], found[3])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("template", type=Path)
    arguments.add_argument("--code", type=_code, action="append", default=[], metavar="LogicalId=s3://bucket/key")
    arguments.add_argument("--region", default="eu-west-1")
    given = arguments.parse_args()
    try:
        translated = translate(given.template, dict(given.code), given.region)
    except (TranslateError, OSError) as error:
        print(f"translate: {error}", file=sys.stderr)
        return 1
    json.dump(translated, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
