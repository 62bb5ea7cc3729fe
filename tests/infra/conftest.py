"""The stack under the parameters that the tests of this directory ask about."""
import pytest

import template
from rights import SECRET

REVIEW, AGENTS = "https://login.example.com", "https://agents.example.com"
VARIANTS = {
    "plain": {},
    "reviewers": {"ReviewIssuer": REVIEW},
    "everything": {
        "SlackSecretArn": SECRET, "ReviewIssuer": REVIEW, "AgentAuth": "JWT", "AgentIssuer": AGENTS, "QueryConcurrency": 20,
        "LogOrigin": "log.example.com/countersign",
        "WitnessUrl": "https://witness.example.com", "WitnessVkey": "w+1a2b3c4d+BAbC",
        "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms", "DeployRoleArn": "arn:aws:iam::123456789012:role/deployer",
    },
}


@pytest.fixture(scope="session")
def translated():
    return template.translate()


@pytest.fixture(scope="session", params=sorted(VARIANTS))
def stack(request, translated):
    """The resources of one variant; a test that takes it runs for each."""
    return template.resolve(translated, **VARIANTS[request.param])["Resources"]


@pytest.fixture(scope="session")
def variant(translated):
    """The resources of the variant of this name."""
    return lambda name: template.resolve(translated, **VARIANTS[name])["Resources"]
