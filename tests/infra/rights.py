"""What each role may do, written by hand: role → resource → actions. The template must say exactly this.

Resources are written as `resolve` writes them. `keys` are the kinds of items (the part of a key before the first `#`)
that a statement on the table is narrowed to.
"""


def on(*actions, keys=()):
    """One statement: these actions, on items of these kinds."""
    return frozenset(a for text in actions for a in text.split()), frozenset(keys)


MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:cs-requests"
EXECUTIONS = "arn:aws:states:eu-west-1:123456789012:execution:cs-requests:*"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf"
# Partial tiles that will be full long before they expire; all that is kept for less than RetentionDays.
MAY_EXPIRE = ["${Archive.Arn}/*/tile/0/*.p/*", "${Archive.Arn}/*/tile/entries/*.p/*"]
KEPT_FOR_LESS = ["${Archive.Arn}/*/tile/*.p/*", "${Archive.Arn}/*/checkpoint"]
LOG = on("logs:CreateLogStream logs:PutLogEvents")
STREAM = on("dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams")
QUERY, INVOKE = on("dynamodb:Query"), on("lambda:InvokeFunction")
RESUME, SECRET_READ = on("states:SendTaskSuccess"), on("secretsmanager:GetSecretValue")

# Every function, with Slack.
RIGHTS = {
    "IntakeRole": {
        "${IntakeLog.Arn}": [LOG],
        "${Table.Arn}": [
            on("dynamodb:GetItem dynamodb:Query", keys=["REQ", "AGENT", "IDEM", "COOL", "VOID"]),
            on("dynamodb:PutItem dynamodb:UpdateItem dynamodb:ConditionCheckItem", keys=["REQ", "AGENT", "IDEM"]),
            on("dynamodb:ConditionCheckItem", keys=["VOID"]),
        ],
        MACHINE: [on("states:StartExecution")],
        "${Archiver.Arn}": [INVOKE],
    },
    "QueryRole": {
        "${QueryLog.Arn}": [LOG],
        "${Table.Arn}": [on("dynamodb:GetItem dynamodb:Query dynamodb:BatchGetItem", keys=["REQ"])],
        "${Table.Arn}/index/agent": [QUERY],
        "${Archiver.Arn}": [INVOKE],
    },
    "NotifierRole": {
        "${NotifierLog.Arn}": [LOG],
        "${Table.Arn}": [
            on("dynamodb:GetItem dynamodb:Query", keys=["REQ", "LOG"]),
            on("dynamodb:PutItem dynamodb:UpdateItem", keys=["REQ"]),
        ],
        "${Tokens.Arn}": [on("dynamodb:PutItem")],
        MACHINE: [RESUME],
        "${Notices}": [on("sns:Publish")],
        SECRET: [SECRET_READ],
    },
    "CallbackRole": {
        "${CallbackLog.Arn}": [LOG],
        "${Table.Arn}": [
            on("dynamodb:GetItem dynamodb:Query dynamodb:BatchGetItem", keys=["REQ", "AGENT", "ONCE"]),
            on("dynamodb:PutItem dynamodb:UpdateItem", keys=["REQ", "AGENT", "ONCE", "COOL"]),
        ],
        "${Table.Arn}/index/live": [QUERY],
        "${Tokens.Arn}": [on("dynamodb:GetItem")],
        MACHINE: [RESUME],
        "${Archiver.Arn}": [INVOKE],
        SECRET: [SECRET_READ],
    },
    "RelayRole": {
        "${RelayLog.Arn}": [LOG],
        "${Table.Arn}": [
            on("dynamodb:GetItem dynamodb:Query dynamodb:BatchGetItem", keys=["REQ", "AGENT", "LOG", "VOID"]),
            on("dynamodb:PutItem dynamodb:UpdateItem", keys=["REQ", "AGENT"]),
        ],
        "${Table.Arn}/index/due": [QUERY],
        "${Table.Arn}/index/live": [QUERY],
        "${Table.StreamArn}": [STREAM],
        "${Tokens.Arn}": [on("dynamodb:GetItem")],
        MACHINE: [on("states:StartExecution"), RESUME],
        EXECUTIONS: [on("states:DescribeExecution")],
        "${Notices}": [on("sns:Publish")],
        "${RequestsDeadLetters.Arn}": [on("sqs:SendMessage")],
        SECRET: [SECRET_READ],
    },
    "ArchiverRole": {
        "${ArchiverLog.Arn}": [LOG],
        "${Table.Arn}": [
            on("dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query", keys=["REQ", "AGENT", "LOG"]),
            on("dynamodb:UpdateItem", keys=["REQ", "AGENT", "LOG"]),
            on("dynamodb:PutItem dynamodb:ConditionCheckItem", keys=["LOG", "VOID"]),
        ],
        "${Table.Arn}/index/pending": [QUERY],
        "${Table.StreamArn}": [STREAM],
        "${Archive.Arn}": [on("s3:ListBucket s3:ListBucketVersions")],
        "${Archive.Arn}/*": [on("s3:GetObject s3:GetObjectVersion s3:PutObject")],
        **dict.fromkeys(MAY_EXPIRE, [on("s3:PutObjectTagging")]),
        **dict.fromkeys(KEPT_FOR_LESS, [on("s3:PutObjectRetention")]),
        "${Derived.Arn}/*": [on("s3:PutObject")],
        "${SigningKey.Arn}": [on("kms:Sign kms:GetPublicKey")],
        "${ArchiveDeadLetters.Arn}": [on("sqs:SendMessage")],
    },
    "SweepRole": {
        "${Relay.Arn}": [INVOKE],
        "${Archiver.Arn}": [INVOKE],
        "${RequestsDeadLetters.Arn}": [on("sqs:SendMessage")],
        "${ArchiveDeadLetters.Arn}": [on("sqs:SendMessage")],
    },
    "MachineRole": {
        "${Notifier.Arn}": [INVOKE],
        "${Archiver.Arn}": [INVOKE],
        # AWS knows no narrower resource for the set-up of log delivery.
        "*": [on("logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeLogGroups logs:DescribeResourcePolicies "
                 "logs:GetLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery")],
    },
}

# The only resources with a star: a bucket's objects, this machine's executions, and log delivery.
STARRED = {"${Archive.Arn}/*", "${Derived.Arn}/*", *MAY_EXPIRE, *KEPT_FOR_LESS, EXECUTIONS, "*"}

TRUSTED = {role: "lambda.amazonaws.com" for role in RIGHTS} | {
    "SweepRole": "scheduler.amazonaws.com", "MachineRole": "states.amazonaws.com"}

# What the functions read from their environment.
COMMON = {"TABLE_NAME", "EVENT_SOURCE", "POLICY_DIR", "RUST_LOG", "SSL_CERT_FILE", "SSL_CERT_DIR"}
CHAT = {"TOKENS_TABLE_NAME", "SLACK_SECRET_ARN", "SLACK_API_BASE"}
AGENTS = {"SERVES", "AGENT_AUTH", "AGENT_ISSUER", "AGENT_AUDIENCE", "ARCHIVER_FUNCTION_NAME"}
ENVIRONMENT = {
    "Intake": COMMON | AGENTS | {"STATE_MACHINE_ARN"},
    "Query": COMMON | AGENTS,
    "Notifier": COMMON | CHAT | {"TOPIC_ARN", "LOG_ORIGIN"},
    "Callback": COMMON | CHAT | {"REVIEW_ISSUER", "REVIEW_AUDIENCE", "ARCHIVER_FUNCTION_NAME"},
    "Relay": COMMON | CHAT | {"TOPIC_ARN", "STATE_MACHINE_ARN", "LOG_ORIGIN"},
    "Archiver": COMMON | {"ARCHIVE_BUCKET", "DERIVED_BUCKET", "RETENTION_DAYS", "SIGNING_KEY_ID", "LOG_ORIGIN", "WITNESS_URL", "WITNESS_VKEY"},
}
