"""The witness's template: it stands alone, and its one role may remember and cosign, and no more."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

import template
from test_rights import ROOT, as_list, typed

FILE = "witness.yaml"
LOG = "log.example.com/a log.example.com/a+1a2b3c4d+AbC="
AS_SIGNED = {"StringEquals": {"kms:SigningAlgorithm": "ED25519_SHA_512", "kms:MessageType": "RAW"}}


@pytest.fixture(scope="module")
def translated():
    return template.translate(FILE)


@pytest.fixture(scope="module")
def stack(translated):
    return template.resolve(translated, TrustedLogs=LOG)["Resources"]


def test_cfn_lint_finds_nothing():
    linted = subprocess.run([Path(sys.prefix, "bin", "cfn-lint"), template.INFRA / FILE], capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_its_role_may_do_this_and_no_more(stack):
    assert set(typed(stack, "AWS::IAM::Role")) == {"WitnessRole"}
    assert "Policies" not in stack["WitnessRole"]["Properties"] and "ManagedPolicyArns" not in stack["WitnessRole"]["Properties"]
    trust, = stack["WitnessRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    policy, = typed(stack, "AWS::IAM::Policy").values()
    assert policy["Roles"] == ["${WitnessRole}"]
    found = [(s["Resource"], s["Action"], s.get("Condition")) for s in policy["PolicyDocument"]["Statement"]]
    assert found == [
        ("${WitnessLog.Arn}", ["logs:CreateLogStream", "logs:PutLogEvents"], None),
        ("${Observations.Arn}", ["dynamodb:GetItem", "dynamodb:PutItem"], None),
        ("${SigningKey.Arn}", ["kms:GetPublicKey"], None),
        ("${SigningKey.Arn}", ["kms:Sign"], AS_SIGNED)]


def test_only_it_signs_and_only_as_it_signs(stack):
    key = stack["SigningKey"]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert key["Properties"]["KeySpec"] == "ECC_NIST_EDWARDS25519" and key["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    statements = key["Properties"]["KeyPolicy"]["Statement"]
    assert all(s["Effect"] == "Allow" and not any("*" in a for a in as_list(s["Action"])) for s in statements)
    signing, = [s for s in statements if "kms:Sign" in as_list(s["Action"])]
    assert signing["Principal"] == {"AWS": "${WitnessRole.Arn}"} and signing["Condition"] == AS_SIGNED
    of_account = {a for s in statements if s["Principal"] == {"AWS": ROOT} for a in as_list(s["Action"])}
    assert not of_account & {"kms:Sign", "kms:CreateGrant", "kms:ScheduleKeyDeletion"}


def test_its_memory_cannot_be_set_back(stack):
    table = stack["Observations"]
    assert table["DeletionPolicy"] == "Retain" and table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["KeySchema"] == [{"AttributeName": "origin", "KeyType": "HASH"}]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert "TimeToLiveSpecification" not in table["Properties"]


def test_it_has_one_open_route_with_a_throttle(stack):
    route, = typed(stack, "AWS::ApiGatewayV2::Route").values()
    assert (route["RouteKey"], route["AuthorizationType"]) == ("POST /add-checkpoint", "NONE")
    permission, = typed(stack, "AWS::Lambda::Permission").values()
    assert permission["SourceArn"].endswith("${Api}/*/POST/add-checkpoint") and permission["SourceAccount"] == "123456789012"
    settings = stack["Stage"]["Properties"]["DefaultRouteSettings"]
    assert 0 < settings["ThrottlingRateLimit"] <= 10 and 0 < settings["ThrottlingBurstLimit"] <= 20
    assert stack["Witness"]["Properties"]["Timeout"] * 1000 < stack["Integration"]["Properties"]["TimeoutInMillis"]


def test_it_names_nothing_of_another_account(translated):
    text = (template.INFRA / FILE).read_text()
    assert "ImportValue" not in text and not re.search(r"\d{12}", text)
    resolved = template.resolve(translated, TrustedLogs=LOG)
    named = set(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", str(resolved)))
    assert named <= set(resolved["Resources"])


def test_its_environment_is_what_the_function_reads(translated, stack):
    assert stack["Witness"]["Properties"]["Environment"]["Variables"] == {
        "TABLE_NAME": "${Observations}", "SIGNING_KEY_ID": "${SigningKey.Arn}", "TRUSTED_LOGS": LOG, "RUST_LOG": "info",
        "WITNESS_NAME": "cs.123456789012.eu-west-1/witness",
        "SSL_CERT_FILE": "/etc/pki/tls/certs/ca-bundle.crt", "SSL_CERT_DIR": "/srv"}
    named = template.resolve(translated, TrustedLogs=LOG, WitnessName="w.example.com")["Resources"]
    assert named["Witness"]["Properties"]["Environment"]["Variables"]["WITNESS_NAME"] == "w.example.com"
    assert stack["Witness"]["DependsOn"] == "WitnessPolicy"


def test_a_list_of_logs_is_taken_and_nothing_else(translated):
    pattern = translated["Parameters"]["TrustedLogs"]["AllowedPattern"]

    def check(value, taken):
        assert bool(re.fullmatch(pattern, value)) == taken, value
    check(LOG, True)
    check(f"{LOG}, {LOG}", True)
    check(f"{LOG},{LOG}", True)
    for value in ("", "log.example.com/a", "log.example.com/a+1a2b3c4d+AbC=", f"{LOG},", f"{LOG} {LOG}", f"{LOG};{LOG}"):
        check(value, False)
