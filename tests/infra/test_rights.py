"""Who may do what: roles, keys, buckets, the topic. The tables to compare with are in rights.py."""
import pytest

from rights import ENVIRONMENT, RIGHTS, SECRET, STARRED, TRUSTED, on

FUNCTIONS = sorted(ENVIRONMENT)
VIA_DYNAMODB = "dynamodb.eu-west-1.amazonaws.com"
ROOT = "arn:aws:iam::123456789012:root"


def as_list(value):
    return value if isinstance(value, list) else [value]


def typed(stack, kind):
    return {name: r["Properties"] for name, r in stack.items() if r["Type"] == kind}


def statements(stack, role):
    """Every statement of the role: its own inline policies and those attached to it."""
    own = [p["PolicyDocument"] for p in stack[role]["Properties"].get("Policies", [])]
    apart = [p["PolicyDocument"] for p in typed(stack, "AWS::IAM::Policy").values() if "${%s}" % role in p["Roles"]]
    return [s for document in own + apart for s in document["Statement"]]


def leading_keys(statement):
    condition = dict(statement.get("Condition", {}))
    keys = condition.pop("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
    assert not condition, f"a condition that rights.py does not show: {condition}"
    assert all(key.endswith("#*") and "*" not in key[:-2] for key in keys), keys
    return frozenset(key[:-2] for key in keys)


def rights(stack, role):
    found = {}
    for statement in statements(stack, role):
        assert statement["Effect"] == "Allow"
        for resource in as_list(statement["Resource"]):
            found.setdefault(resource, []).append(on(*as_list(statement["Action"]), keys=leading_keys(statement)))
    return found


@pytest.mark.parametrize("role", sorted(RIGHTS))
def test_a_role_may_do_what_the_table_says_and_no_more(variant, role):
    assert rights(variant("everything"), role) == RIGHTS[role]


def test_without_slack_no_role_reads_a_secret(variant):
    for role in RIGHTS:
        expected = {resource: given for resource, given in RIGHTS[role].items() if resource != SECRET}
        assert rights(variant("plain"), role) == expected, role


def test_every_role_is_in_the_table_and_trusts_one_service(stack):
    roles = typed(stack, "AWS::IAM::Role")
    assert set(roles) == set(RIGHTS)
    for name, role in roles.items():
        statement, = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": TRUSTED[name]} and statement["Action"] == "sts:AssumeRole"
        assert not role.get("ManagedPolicyArns"), name
        if TRUSTED[name] != "lambda.amazonaws.com":
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}, name


def test_no_star_but_where_aws_demands_one(stack):
    for role in RIGHTS:
        for statement in statements(stack, role):
            assert not any("*" in action for action in as_list(statement["Action"])), statement
            starred = {r for r in as_list(statement["Resource"]) if "*" in r}
            assert starred <= STARRED, statement
            if "*" in starred:
                assert all(":" in a and a.startswith("logs:") for a in as_list(statement["Action"]))


def test_each_function_has_a_role_of_its_own(stack):
    assert {n: p["Role"] for n, p in typed(stack, "AWS::Lambda::Function").items()} == {
        name: "${%sRole.Arn}" % name for name in FUNCTIONS}


def test_only_the_notifier_keeps_tokens_and_only_three_roles_see_them(stack):
    seen = {role: set().union(*(s[0] for s in rights(stack, role).get("${Tokens.Arn}", []))) for role in RIGHTS}
    assert {role: actions for role, actions in seen.items() if actions} == {
        "NotifierRole": {"dynamodb:PutItem"}, "CallbackRole": {"dynamodb:GetItem"}, "RelayRole": {"dynamodb:GetItem"}}


# ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ADMINISTRATION = set("""
    kms:DescribeKey kms:GetKeyPolicy kms:GetKeyRotationStatus kms:ListGrants kms:ListKeyPolicies kms:ListKeyRotations
    kms:ListResourceTags kms:CreateAlias kms:UpdateAlias kms:DeleteAlias kms:DisableKey kms:EnableKey kms:DisableKeyRotation
    kms:EnableKeyRotation kms:RotateKeyOnDemand kms:PutKeyPolicy kms:RevokeGrant kms:ScheduleKeyDeletion kms:CancelKeyDeletion
    kms:TagResource kms:UntagResource kms:UpdateKeyDescription""".split())
READERS = {
    "TableKey": {"IntakeRole", "QueryRole", "NotifierRole", "CallbackRole", "RelayRole", "ArchiverRole"},
    "TokensKey": {"NotifierRole", "CallbackRole", "RelayRole"},
}
WRITERS = {"TableKey": READERS["TableKey"] - {"QueryRole"}, "TokensKey": READERS["TokensKey"]}


def who_may(stack, key, action):
    """The role names that the key's policy lets do this, all of them through DynamoDB only."""
    allowed = set()
    for statement in stack[key]["Properties"]["KeyPolicy"]["Statement"]:
        principals = as_list(statement["Principal"]["AWS"])
        if action in as_list(statement["Action"]) and principals != [ROOT]:
            assert statement["Condition"]["StringEquals"]["kms:ViaService"] == VIA_DYNAMODB, statement["Sid"]
            allowed |= set(principals)
    return allowed


@pytest.mark.parametrize("key", sorted(READERS))
def test_only_the_functions_roles_use_a_key(variant, key):
    def check(action, roles):
        assert who_may(variant("plain"), key, action) == {"${%s.Arn}" % role for role in roles}, action
    check("kms:Decrypt", READERS[key])
    check("kms:GenerateDataKey", WRITERS[key])
    check("kms:Encrypt", WRITERS[key])
    check("kms:CreateGrant", set())


@pytest.mark.parametrize("key", sorted(READERS))
def test_the_account_administers_a_key_and_reads_nothing_with_it(stack, key):
    policy = stack[key]["Properties"]["KeyPolicy"]["Statement"]
    assert all(s["Effect"] == "Allow" for s in policy)
    assert not any("*" in action for s in policy for action in as_list(s["Action"]))
    assert not any("*" in str(s["Principal"]) for s in policy)
    of_account = [s for s in policy if as_list(s["Principal"]["AWS"]) == [ROOT]]
    free = [s for s in of_account if "Condition" not in s]
    assert {a for s in free for a in as_list(s["Action"])} == ADMINISTRATION
    # What is left to the account works inside CloudFormation only, which cannot read items.
    for statement in of_account:
        if statement not in free:
            equals = statement["Condition"]["StringEquals"]
            assert equals["aws:CalledViaFirst"] == "cloudformation.amazonaws.com"
            assert equals["kms:ViaService"] == VIA_DYNAMODB and equals["kms:CallerAccount"] == "123456789012"
            if "kms:CreateGrant" in as_list(statement["Action"]):
                assert statement["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_a_deploy_role_is_let_in_only_when_it_is_named(variant):
    for key in READERS:
        more = who_may(variant("everything"), key, "kms:Decrypt") - who_may(variant("plain"), key, "kms:Decrypt")
        assert more == {"arn:aws:iam::123456789012:role/deployer"}


def test_only_archiver_signs_the_log_and_only_as_it_is_signed(stack):
    signing = [s for s in stack["SigningKey"]["Properties"]["KeyPolicy"]["Statement"] if "kms:Sign" in as_list(s["Action"])]
    statement, = signing
    assert statement["Effect"] == "Allow" and as_list(statement["Action"]) == ["kms:Sign"]
    assert statement["Principal"] == {"AWS": "${ArchiverRole.Arn}"}
    assert statement["Condition"] == {"StringEquals": {"kms:SigningAlgorithm": "ED25519_SHA_512", "kms:MessageType": "RAW"}}


def test_the_account_administers_the_signing_key_but_signs_not_and_cannot_delete_it_as_it_is(stack):
    policy = stack["SigningKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert all(s["Effect"] == "Allow" for s in policy)
    given = {}
    for statement in policy:
        given.setdefault(statement["Principal"]["AWS"], set()).update(as_list(statement["Action"]))
    of_no_use = {"kms:ListKeyRotations", "kms:DisableKeyRotation", "kms:EnableKeyRotation", "kms:RotateKeyOnDemand"}
    administration = ADMINISTRATION - of_no_use - {"kms:ScheduleKeyDeletion"}
    assert given == {ROOT: administration | {"kms:GetPublicKey"}, "${ArchiverRole.Arn}": {"kms:Sign", "kms:GetPublicKey"}}


# ── Resource policies ─────────────────────────────────────────────────────────────────────────────────────────────

def denials(stack, policy):
    found = stack[policy]["Properties"]["PolicyDocument"]["Statement"]
    assert all(s["Effect"] == "Deny" and s["Principal"] == "*" for s in found), "a resource policy here only takes away"
    return {s["Sid"]: s for s in found}


def both_names(role):
    return ["${%s.Arn}" % role, "arn:aws:sts::123456789012:assumed-role/${%s}/*" % role]


def test_only_the_archiver_writes_to_the_archive_and_nobody_hides_in_it(stack):
    denied = denials(stack, "ArchivePolicy")
    writes = denied["OnlyTheArchiverWrites"]
    assert writes["Action"] == ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"] and writes["Resource"] == "${Archive.Arn}/*"
    assert writes["Condition"] == {"StringNotLike": {"aws:PrincipalArn": both_names("ArchiverRole")}}
    assert denied["NobodyHides"]["Action"] == "s3:DeleteObject" and "Condition" not in denied["NobodyHides"]


@pytest.mark.parametrize("bucket", ["Archive", "Derived"])
def test_a_bucket_answers_over_tls_only(stack, bucket):
    statement = denials(stack, f"{bucket}Policy")["OnlyEncrypted"]
    assert statement["Action"] == "s3:*" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["${%s.Arn}" % bucket, "${%s.Arn}/*" % bucket]


def test_only_notifier_and_relay_give_notice(stack):
    statement = denials(stack, "NoticesPolicy")["OnlyNotifierAndRelayPublish"]
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"] == {"StringNotLike": {"aws:PrincipalArn": both_names("NotifierRole") + both_names("RelayRole")}}


# ── Environments ──────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_environment_has_what_the_function_reads_and_no_secret(stack, function):
    variables = stack[function]["Properties"]["Environment"]["Variables"]
    assert set(variables) == ENVIRONMENT[function]
    for name, value in variables.items():
        assert not any(sign in value for sign in ("xoxb-", "AKIA", "-----BEGIN", "{{resolve:")), name


def test_parameters_reach_the_functions_that_read_them(variant):
    def check(variable, value, *functions):
        for function in functions:
            assert variant("everything")[function]["Properties"]["Environment"]["Variables"][variable] == value, function
    check("TABLE_NAME", "${Table}", *FUNCTIONS)
    check("EVENT_SOURCE", "urn:countersign:cs", *FUNCTIONS)
    check("POLICY_DIR", "/opt/policy", *FUNCTIONS)
    check("TOKENS_TABLE_NAME", "${Tokens}", "Notifier", "Callback", "Relay")
    check("SLACK_SECRET_ARN", SECRET, "Notifier", "Callback", "Relay")
    check("SLACK_API_BASE", "https://slack.com/api", "Notifier", "Callback", "Relay")
    check("TOPIC_ARN", "${Notices}", "Notifier", "Relay")
    check("AGENT_AUTH", "JWT", "Intake", "Query")
    check("AGENT_ISSUER", "https://agents.example.com", "Intake", "Query")
    check("AGENT_AUDIENCE", "countersign", "Intake", "Query")
    check("REVIEW_ISSUER", "https://login.example.com", "Callback")
    check("ARCHIVE_BUCKET", "${Archive}", "Archiver")
    check("DERIVED_BUCKET", "${Derived}", "Archiver")
    check("SIGNING_KEY_ID", "${SigningKey.Arn}", "Archiver")
    check("ARCHIVER_FUNCTION_NAME", "${Archiver}", "Intake", "Query", "Callback")
    check("LOG_ORIGIN", "log.example.com/countersign", "Archiver", "Notifier", "Relay")
    check("WITNESS_URL", "https://witness.example.com", "Archiver")
    check("WITNESS_VKEY", "w+1a2b3c4d+BAbC", "Archiver")


def test_no_parameter_takes_a_secret(translated):
    assert not [name for name, p in translated["Parameters"].items() if p.get("NoEcho")]
