"""Reads a template of infra/ as CloudFormation would after SAM's transform, with nothing but files.

`translate` gives plain CloudFormation; `resolve` gives its resources for one set of parameters, in which a reference to
a resource is the text `${Name}` or `${Name.Attribute}`. Must not know any rule about what the template ought to say.
"""
import copy
import importlib.util
import json
import re
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

INFRA = Path(__file__).resolve().parents[2] / "infra"
PSEUDO = {
    "AWS::AccountId": "123456789012", "AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::StackName": "cs",
    "AWS::URLSuffix": "amazonaws.com", "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/cs/1",
}
NOTHING = object()

# The translation that the local stack is deployed from, too.
_spec = importlib.util.spec_from_file_location("engine_translate", INFRA.parent / "tests" / "engine" / "translate.py")
engine = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(engine)


def source(file: str = "template.yaml") -> dict:
    """The template as it is written."""
    return yaml_parse((INFRA / file).read_text())


def workflow() -> dict:
    """The workflow as it is written."""
    return json.loads((INFRA / "workflow.asl.json").read_text())


def translate(file: str = "template.yaml") -> dict:
    """Plain CloudFormation: what SAM makes of the template once the code lies in a bucket."""
    coded = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    code = {name: ("code", f"{name}.zip") for name, r in source(file)["Resources"].items() if r["Type"] in coded}
    return engine.translate(INFRA / file, code, PSEUDO["AWS::Region"])


def resolve(template: dict, **parameters) -> dict:
    """The resources and outputs that a deployment with these parameters has, conditions applied."""
    values = {n: str(parameters.get(n, p.get("Default", ""))) for n, p in template["Parameters"].items()}
    unknown = set(parameters) - set(values)
    assert not unknown, f"no such parameter: {sorted(unknown)}"
    conditions: dict = {}

    def holds(name):
        if name not in conditions:
            conditions[name] = walk(template["Conditions"][name])
        return conditions[name]

    def text(name):
        base = name.split(".")[0]
        return values.get(name, PSEUDO.get(name)) if base in values or name in PSEUDO else "${" + name + "}"

    def walk(node):
        if isinstance(node, list):
            return [x for x in (walk(n) for n in node) if x is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (key, arg), = node.items()
            if key == "Ref":
                return NOTHING if arg == "AWS::NoValue" else text(arg)
            if key == "Fn::GetAtt":
                return "${" + ".".join(arg if isinstance(arg, list) else [arg]) + "}"
            if key == "Fn::Sub":
                return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", lambda m: str(text(m[1])), arg)
            if key == "Fn::Join":
                return arg[0].join(walk(arg[1]))
            if key == "Fn::If":
                return walk(arg[1] if holds(arg[0]) else arg[2])
            if key == "Fn::Equals":
                return str(walk(arg[0])) == str(walk(arg[1]))
            if key == "Fn::Not":
                return not walk(arg[0])
            if key == "Condition" and isinstance(arg, str):
                return holds(arg)
            assert not key.startswith("Fn::"), f"{key} is not understood here; teach it to resolve()"
        return {k: v for k, v in ((k, walk(v)) for k, v in node.items()) if v is not NOTHING}

    def section(name):
        out = {}
        for key, body in template.get(name, {}).items():
            body = copy.deepcopy(body)
            if "Condition" not in body or holds(body.pop("Condition")):
                out[key] = walk(body)
        return out

    return {"Resources": section("Resources"), "Outputs": section("Outputs")}
