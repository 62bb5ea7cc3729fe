"""What the stack is made of: guards of the stores, routes, mappings, schedules, logs, alarms, parameters."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import template
from rights import ENVIRONMENT
from test_rights import typed

FUNCTIONS = sorted(ENVIRONMENT)
API = "arn:aws:execute-api:eu-west-1:123456789012:${%s}/*/%s/*"


def test_cfn_lint_finds_nothing():
    cfn_lint = Path(sys.prefix, "bin", "cfn-lint")
    linted = subprocess.run([cfn_lint, template.INFRA / "template.yaml"], capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_what_is_referred_to_is_there(translated):
    """Under no parameters may a resource or output name one that its condition has taken away."""
    for issuer in ("", "https://login.example.com"):
        for auth in ({}, {"AgentAuth": "JWT", "AgentIssuer": "https://agents.example.com"}):
            resolved = template.resolve(translated, ReviewIssuer=issuer, **auth)
            resolved["Resources"]["Machine"]["Properties"].pop("DefinitionString")  # has placeholders of its own
            named = set(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", json.dumps([resolved["Resources"], resolved["Outputs"]])))
            missing = named - set(resolved["Resources"])
            assert not missing, f"{missing} with {issuer!r} {auth}"


def test_the_template_uses_no_yaml_aliases():
    """CloudFormation refuses them, although every parser here takes them."""
    tokens = yaml.scan((template.INFRA / "template.yaml").read_text())
    assert not [t for t in tokens if isinstance(t, (yaml.AliasToken, yaml.AnchorToken))]


# ── Parameters ────────────────────────────────────────────────────────────────────────────────────────────────────

def test_parameters_take_what_they_should_and_nothing_else():
    parameters = template.source()["Parameters"]

    def check(name, value, taken):
        pattern = parameters[name]["AllowedPattern"]
        assert bool(re.fullmatch(pattern, value)) == taken, f"{name} = {value!r}"

    check("SlackSecretArn", "", True)
    check("SlackSecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf", True)
    check("SlackSecretArn", "slack", False)
    check("SlackSecretArn", "arn:aws:ssm:eu-west-1:123456789012:parameter/slack", False)
    for url in ("SlackApiBase", "ReviewIssuer", "AgentIssuer", "WitnessUrl"):
        check(url, "https://login.example.com/tenant/", True)
        check(url, "http://127.0.0.1:4011/api", True)
        check(url, "http://localhost:4011", True)
        check(url, "http://login.example.com", False)
        check(url, "http://127.0.0.1.example.com", False)
        check(url, "http://127.0.0.1@example.com", False)
        check(url, "https://login.example.com?x=1", False)
        check(url, "https://user@login.example.com", False)
    check("SlackApiBase", "", False)
    check("ReviewIssuer", "", True)
    check("LogOrigin", "", True)
    check("LogOrigin", "log.example.com/countersign", True)
    for origin in ("two words", "a+b", "/log", "log/", "log//b", "log/../b", "log\n"):
        check("LogOrigin", origin, False)
    check("WitnessUrl", "", True)
    check("WitnessVkey", "", True)
    check("WitnessVkey", "witness.example.com/w+1a2b3c4d+BAbC/+=", True)
    for vkey in ("witness.example.com/w", "w+1a2b3c4d+", "w+1a2b3c4+BAbC", "a w+1a2b3c4d+BAbC"):
        check("WitnessVkey", vkey, False)
    check("PolicyDir", "/opt/policy", True)
    check("PolicyDir", "policy", False)
    check("ReviewAudience", "", False)
    check("AgentAudience", "two words", False)
    check("DeployRoleArn", "arn:aws:iam::123456789012:role/path/deployer", True)
    check("DeployRoleArn", "arn:aws:iam::123456789012:user/me", False)


def test_every_parameter_says_what_it_is_for_and_is_needed(translated):
    text = json.dumps({k: v for k, v in template.source().items() if k not in ("Parameters", "Metadata")})
    for name, parameter in translated["Parameters"].items():
        assert parameter["Description"] and "Default" in parameter, name
        assert f'"Ref": "{name}"' in text, f"{name} is used nowhere"


def test_what_belongs_together_comes_together():
    rules = template.source()["Rules"]
    assert set(rules) == {"AgentTokensNeedAnIssuer", "AnAgentIssuerNeedsTokens", "AWitnessHasAKey", "AWitnessKeyHasAWitness"}
    assert all(len(r["Assertions"]) == 1 and r["Assertions"][0]["AssertDescription"] for r in rules.values())


# ── Functions and their logs ──────────────────────────────────────────────────────────────────────────────────────

def test_the_functions_are_built_as_they_should_be(stack):
    functions = typed(stack, "AWS::Lambda::Function")
    assert sorted(functions) == FUNCTIONS
    for name, function in functions.items():
        assert function["Runtime"] == "provided.al2023" and function["Handler"] == "bootstrap", name
        assert function["Architectures"] == ["arm64"] and function["MemorySize"] == 256, name
        assert function.get("TracingConfig", {"Mode": "PassThrough"})["Mode"] == "PassThrough", name
        layer, = function["Layers"]
        assert stack[layer[2:-1]]["Type"] == "AWS::Lambda::LayerVersion", name
        assert stack[name]["DependsOn"] == f"{name}Policy", "else its first calls may come before its rights"


def test_each_function_is_built_from_its_binary():
    for name, resource in template.source()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = "intake" if name == "Query" else name.lower()
            assert resource["Metadata"] == {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": binary}}


def test_intake_writes_and_query_reads(stack):
    assert stack["Intake"]["Properties"]["Environment"]["Variables"]["SERVES"] == "writes"
    assert stack["Query"]["Properties"]["Environment"]["Variables"]["SERVES"] == "reads"


def test_timeouts_fit_what_waits_for_them(stack):
    assert {name: stack[name]["Properties"]["Timeout"] for name in FUNCTIONS} == {
        "Intake": 29, "Query": 29, "Notifier": 30, "Callback": 10, "Relay": 60, "Archiver": 60}


def test_concurrency_is_set_aside_for_query_only_when_asked(variant):
    assert variant("everything")["Query"]["Properties"]["ReservedConcurrentExecutions"] == "20"
    assert "ReservedConcurrentExecutions" not in variant("plain")["Query"]["Properties"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_to_a_group_with_an_end(stack, function):
    logging = stack[function]["Properties"]["LoggingConfig"]
    assert logging == {"LogFormat": "JSON", "LogGroup": "${%sLog}" % function}
    group = stack[f"{function}Log"]["Properties"]
    assert group == {"LogGroupName": f"/countersign/cs/{function.lower()}", "RetentionInDays": "90"}


def test_every_log_group_has_an_end(stack):
    groups = typed(stack, "AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 3
    assert all(g["RetentionInDays"] == "90" for g in groups.values())


# ── Stores ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_table_is_guarded(stack):
    resource, table = stack["Table"], stack["Table"]["Properties"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert stack["TableKey"]["DeletionPolicy"] == "Retain", "a table that stays needs its key"
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "${TableKey.Arn}"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_deletion_protection_can_be_taken_off_but_by_intent_only(translated):
    table = template.resolve(translated, DeletionProtection="false")["Resources"]["Table"]
    assert table["Properties"]["DeletionProtectionEnabled"] is False and table["DeletionPolicy"] == "Retain"


def test_the_table_has_its_key_and_its_sparse_indexes(stack):
    table = stack["Table"]["Properties"]

    def keys(schema):
        return {k["KeyType"]: k["AttributeName"] for k in schema}

    assert keys(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}
    assert {i["IndexName"]: keys(i["KeySchema"]) for i in table["GlobalSecondaryIndexes"]} == {
        "due": {"HASH": "due_shard", "RANGE": "due"}, "pending": {"HASH": "p", "RANGE": "leaf_id"},
        "live": {"HASH": "live", "RANGE": "live_sk"}, "agent": {"HASH": "agent", "RANGE": "rno"}}
    assert all(i["Projection"] == {"ProjectionType": "KEYS_ONLY"} for i in table["GlobalSecondaryIndexes"])
    numbers = {a["AttributeName"] for a in table["AttributeDefinitions"] if a["AttributeType"] == "N"}
    assert numbers == {"due", "rno"}


def test_tokens_are_apart_under_a_key_of_their_own_and_forgotten(stack):
    tokens = stack["Tokens"]["Properties"]
    assert tokens["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "${TokensKey.Arn}"}
    assert tokens["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert tokens["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert "StreamSpecification" not in tokens


def test_the_tables_keys_are_rotated(stack):
    keys = typed(stack, "AWS::KMS::Key")
    assert set(keys) == {"TableKey", "TokensKey", "SigningKey"}
    assert {name for name, key in keys.items() if key.get("EnableKeyRotation")} == {"TableKey", "TokensKey"}


def test_the_signing_key_is_of_ed25519_and_stays(stack):
    key = stack["SigningKey"]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert key["Properties"]["KeySpec"] == "ECC_NIST_EDWARDS25519" and key["Properties"]["KeyUsage"] == "SIGN_VERIFY"


def test_a_log_has_one_name_everywhere(translated):
    def check(parameters, origin):
        resolved = template.resolve(translated, **parameters)
        assert resolved["Resources"]["Archiver"]["Properties"]["Environment"]["Variables"]["LOG_ORIGIN"] == origin
        assert lifecycle(resolved["Resources"], "Archive")["drop-old-checkpoints"]["Prefix"] == f"{origin}/checkpoint"
        assert resolved["Outputs"]["LogOrigin"]["Value"] == origin
    check({}, "cs.123456789012.eu-west-1/countersign")
    check({"LogOrigin": "log.example.com/a"}, "log.example.com/a")


def test_the_archive_is_locked(translated, stack):
    archive = stack["Archive"]
    assert archive["DeletionPolicy"] == archive["UpdateReplacePolicy"] == "Retain"
    assert archive["Properties"]["ObjectLockEnabled"] is True
    assert archive["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert archive["Properties"]["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": "2557"}}}
    shorter = template.resolve(translated, RetentionDays=1)["Resources"]["Archive"]["Properties"]
    assert shorter["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": "1"}


def lifecycle(stack, bucket):
    """The bucket's lifecycle rules by their ids."""
    rules = stack[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    return {rule["Id"]: {key: value for key, value in rule.items() if key not in ("Id", "Status")} for rule in rules}


def test_of_the_archive_only_partial_tiles_and_old_checkpoints_end(variant):
    assert lifecycle(variant("plain"), "Archive") == {
        "drop-unfinished-uploads": {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        "drop-partial-tiles": {
            "TagFilters": [{"Key": "countersign:partial", "Value": "true"}], "ExpirationInDays": 180,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
        "drop-old-checkpoints": {
            "Prefix": "cs.123456789012.eu-west-1/countersign/checkpoint", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
        "drop-spent-markers": {"ExpiredObjectDeleteMarker": True}}
    assert set(lifecycle(variant("plain"), "Derived")) == {"drop-unfinished-uploads"}


@pytest.mark.parametrize("bucket", ["Archive", "Derived"])
def test_a_bucket_is_private_and_encrypted(stack, bucket):
    properties = stack[bucket]["Properties"]
    assert stack[bucket]["DeletionPolicy"] == "Retain"
    assert properties["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    rule, = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert stack[f"{bucket}Policy"]["Properties"]["Bucket"] == "${%s}" % bucket


def test_topic_and_queues_are_encrypted(stack):
    assert stack["Notices"]["Properties"]["KmsMasterKeyId"]
    queues = typed(stack, "AWS::SQS::Queue")
    assert set(queues) == {"RequestsDeadLetters", "ArchiveDeadLetters"}
    assert all(q == {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True} for q in queues.values())


# ── Routes ────────────────────────────────────────────────────────────────────────────────────────────────────────

AGENTS_ROUTES = {
    "POST /v1/requests": "Intake", "GET /v1/requests": "Query", "GET /v1/requests/{id}": "Query",
    "POST /v1/requests/{id}/responses": "Intake", "POST /v1/requests/{id}/withdraw": "Intake",
    "POST /v1/requests/{id}/consume": "Intake", "POST /v1/requests/{id}/outcome": "Intake", "POST /v1/explain": "Intake",
}
OPEN_ROUTES = {
    "AgentsApi": dict.fromkeys(("GET /healthz", "GET /openapi.json"), "Query"),
    "ReviewersApi": dict.fromkeys(
        ("GET /healthz", "GET /openapi.json", "POST /slack/interactions", "POST /slack/events"), "Callback"),
}
REVIEW_ROUTES = dict.fromkeys((
    "GET /v1/review/requests", "GET /v1/review/requests/{id}", "GET /v1/review/requests/{id}/events",
    "POST /v1/review/requests/{id}/decisions", "POST /v1/review/requests/{id}/revoke", "POST /v1/review/requests/{id}/erase",
    "POST /v1/review/requests/{id}/cards",
    "POST /v1/review/agents/{agent}/freeze", "POST /v1/review/agents/{agent}/unfreeze",
    "POST /v1/review/log/recover", "POST /v1/review/log/exports"), "Callback")


def routes(stack, api, kind):
    """Route key → function, of the API's routes with this authorization."""
    found = {}
    for route in typed(stack, "AWS::ApiGatewayV2::Route").values():
        if route["ApiId"] == "${%s}" % api and route["AuthorizationType"] == kind:
            integration = stack[route["Target"].removeprefix("integrations/${")[:-1]]["Properties"]
            assert integration["ApiId"] == route["ApiId"]
            found[route["RouteKey"]] = integration["IntegrationUri"][2:-5]
            if kind == "JWT":
                authorizer = stack[route["AuthorizerId"][2:-1]]["Properties"]
                assert authorizer["ApiId"] == route["ApiId"], route["RouteKey"]
            else:
                assert "AuthorizerId" not in route
    return found


def test_agents_sign_with_their_role_unless_tokens_are_asked_for(variant):
    def check(name, signed, tokens):
        stack = variant(name)
        assert routes(stack, "AgentsApi", "AWS_IAM") == signed
        assert routes(stack, "AgentsApi", "JWT") == tokens
    check("plain", AGENTS_ROUTES, {})
    check("everything", {}, AGENTS_ROUTES)


def test_the_reviewers_api_is_there_only_with_an_issuer(variant):
    def check(name, tokens):
        assert routes(variant(name), "ReviewersApi", "JWT") == tokens
        assert routes(variant(name), "ReviewersApi", "AWS_IAM") == {}
    check("plain", {})
    check("reviewers", REVIEW_ROUTES)


def test_only_chat_paths_health_and_the_contract_are_open(stack):
    for api, expected in OPEN_ROUTES.items():
        assert routes(stack, api, "NONE") == expected
    kinds = {r["AuthorizationType"] for r in typed(stack, "AWS::ApiGatewayV2::Route").values()}
    assert kinds <= {"NONE", "JWT", "AWS_IAM"}


@pytest.mark.parametrize("api, document", [("AgentsApi", "agents.json"), ("ReviewersApi", "reviewers.json")])
def test_an_api_has_the_routes_of_its_contract(variant, api, document):
    paths = json.loads((template.INFRA.parent / "shared/http/openapi" / document).read_text())["paths"]
    told = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    assert {key for kind in ("NONE", "JWT", "AWS_IAM") for key in routes(variant("everything"), api, kind)} == told


def test_authorizers_take_the_issuer_and_audience_of_the_parameters(variant):
    stack = variant("everything")
    assert stack["AgentsAuthorizer"]["Properties"]["JwtConfiguration"] == {
        "Issuer": "https://agents.example.com", "Audience": ["countersign"]}
    assert stack["ReviewersAuthorizer"]["Properties"]["JwtConfiguration"] == {
        "Issuer": "https://login.example.com", "Audience": ["countersign"]}
    assert all(a["IdentitySource"] == ["$request.header.Authorization"]
               for a in typed(stack, "AWS::ApiGatewayV2::Authorizer").values())


def test_an_api_may_call_its_functions_with_their_methods_only(stack):
    granted = {(p["FunctionName"][2:-1], p["SourceArn"]) for p in typed(stack, "AWS::Lambda::Permission").values()}
    assert granted == {
        ("Intake", API % ("AgentsApi", "POST")), ("Query", API % ("AgentsApi", "GET")),
        ("Callback", API % ("ReviewersApi", "POST")), ("Callback", API % ("ReviewersApi", "GET"))}
    for permission in typed(stack, "AWS::Lambda::Permission").values():
        assert permission["Principal"] == "apigateway.amazonaws.com" and permission["SourceAccount"] == "123456789012"


def test_integrations_outlast_the_longest_wait(stack):
    for integration in typed(stack, "AWS::ApiGatewayV2::Integration").values():
        assert integration["PayloadFormatVersion"] == "2.0" and integration["IntegrationType"] == "AWS_PROXY"
        assert stack["Query"]["Properties"]["Timeout"] * 1000 < integration["TimeoutInMillis"] <= 30000


def test_calls_are_throttled_and_access_logs_hold_no_path_query_or_body(stack):
    stages = typed(stack, "AWS::ApiGatewayV2::Stage")
    assert len(stages) == 2
    for stage in stages.values():
        assert stage["StageName"] == "$default" and stage["AutoDeploy"] is True
        assert 0 < stage["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 100
        assert 0 < stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] <= 200
        fields = json.loads(stage["AccessLogSettings"]["Format"]).values()
        assert set(fields) == {"$context." + name for name in (
            "requestTime", "requestId", "routeKey", "status", "identity.sourceIp", "identity.accountId", "authorizer.error",
            "responseLatency", "integrationLatency", "integrationErrorMessage")}


# ── Streams, schedules, failures ──────────────────────────────────────────────────────────────────────────────────

INSERTS = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "EVT#"}]}}}}
OF_REQUESTS_AND_AGENTS = {"eventName": ["INSERT"], "dynamodb": {"Keys": {
    "pk": {"S": [{"prefix": "REQ#"}, {"prefix": "AGENT#"}]}, "sk": {"S": [{"prefix": "EVT#"}]}}}}


def test_only_new_events_ring_and_what_fails_is_kept(stack):
    def check(name, function, pattern, queue):
        mapping = stack[name]["Properties"]
        assert mapping["FunctionName"] == "${%s.Arn}" % function and mapping["EventSourceArn"] == "${Table.StreamArn}"
        assert [json.loads(f["Pattern"]) for f in mapping["FilterCriteria"]["Filters"]] == [pattern]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True and mapping["MaximumBatchingWindowInSeconds"] == 0
        assert mapping["MaximumRetryAttempts"] == 5 and 0 < mapping["MaximumRecordAgeInSeconds"] <= 86400
        assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": "${%s.Arn}" % queue}}
        assert stack[name]["DependsOn"] == f"{function}Policy", "AWS tries the stream with the role when it makes the mapping"
    check("RelayStream", "Relay", OF_REQUESTS_AND_AGENTS, "RequestsDeadLetters")
    check("ArchiverStream", "Archiver", INSERTS, "ArchiveDeadLetters")
    assert len(typed(stack, "AWS::Lambda::EventSourceMapping")) == 2


def test_sweeps_come_every_minute_and_a_failed_one_is_kept(stack):
    def check(function, queue):
        schedule = stack[f"{function}Sweep"]["Properties"]
        assert schedule["ScheduleExpression"] == "rate(1 minute)" and schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        target = schedule["Target"]
        assert target["Arn"] == "${%s.Arn}" % function and target["RoleArn"] == "${SweepRole.Arn}"
        assert json.loads(target["Input"]) == {"sweep": True}
        assert target["DeadLetterConfig"] == {"Arn": "${%s.Arn}" % queue}
        invoked = stack[f"{function}EventInvokeConfig"]["Properties"]
        assert invoked["FunctionName"] == "${%s}" % function and invoked["MaximumRetryAttempts"] == 0
        assert invoked["DestinationConfig"] == {"OnFailure": {"Destination": "${%s.Arn}" % queue}}
    check("Relay", "RequestsDeadLetters")
    check("Archiver", "ArchiveDeadLetters")


def test_there_is_an_alarm_for_all_that_nobody_would_see(variant):
    watched = {(a["Namespace"], a["MetricName"], d["Value"]) for a in typed(variant("plain"), "AWS::CloudWatch::Alarm").values()
               for d in a["Dimensions"]}
    assert watched == {("AWS/Lambda", "Errors", "${%s}" % f) for f in FUNCTIONS} | {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${%s.QueueName}" % q) for q in ("RequestsDeadLetters", "ArchiveDeadLetters")} | {
        ("AWS/Lambda", "IteratorAge", "${%s}" % f) for f in ("Relay", "Archiver")} | {
        ("Countersign", "SweepFailures", d) for d in ("cs", "relay", "archiver")} | {
        ("AWS/ApiGateway", "5xx", "${%s}" % a) for a in ("AgentsApi", "ReviewersApi")} | {
        ("AWS/States", "ExecutionsFailed", "${Machine}"), ("Countersign", "LogHalted", "${Archiver}")}
    for alarm in typed(variant("plain"), "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmName"].startswith("cs-") and alarm["AlarmDescription"] and "AlarmActions" not in alarm
    for alarm in typed(variant("everything"), "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == ["arn:aws:sns:eu-west-1:123456789012:alarms"]


def test_the_outputs_hold_all_that_comes_next(translated):
    outputs = template.resolve(translated)["Outputs"]
    wanted = {f"{f}FunctionName" for f in FUNCTIONS} | set("""
        AgentsApiUrl AgentsApiId AgentsInvokeArn ReviewersApiUrl ReviewersApiId SlackInteractionsUrl SlackEventsUrl TableName
        TokensTableName ArchiveBucketName DerivedBucketName LogOrigin SigningKeyArn TopicArn StateMachineArn RequestsDeadLetterUrl ArchiveDeadLetterUrl
        PolicyLayerArn""".split())
    assert set(outputs) == wanted and all(o["Description"] for o in outputs.values())
    assert outputs["SlackInteractionsUrl"]["Value"] == "${ReviewersApi.ApiEndpoint}/slack/interactions"


def test_the_policy_lies_where_the_functions_look_for_it(tmp_path):
    layer = template.source()["Resources"]["PolicyLayer"]
    assert layer["Metadata"] == {"BuildMethod": "makefile"} and layer["Properties"]["ContentUri"] == "policy/"
    subprocess.run(["make", "--silent", "build-PolicyLayer", f"ARTIFACTS_DIR={tmp_path}"], cwd=template.INFRA / "policy", check=True)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")) == [
        "policy/agents.toml", "policy/people.toml", "policy/profiles.toml"]
    assert template.source()["Parameters"]["PolicyDir"]["Default"] == "/opt/policy"
