"""Makes an agent in the local engine: a role that may call the agents' API, assumed. Prints its credentials.

    python agent.py --url URL --stack STACK ROLE [--json] [--also POLICY.json]

As shell assignments, or as JSON {"AWS_ACCESS_KEY_ID": …}. A role that exists is used again. `--also` lets it do more.
The caller is root of the engine's account, whoever the shell is: its variables may be an agent's, from the last time.
"""

import argparse
import json
import os
from pathlib import Path

from local import client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--also", type=Path)
    parser.add_argument("role")
    given = parser.parse_args()
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        os.environ.pop(name, None)

    described = client(given.url, "cloudformation").describe_stacks(StackName=given.stack)["Stacks"][0]
    invoke = next(o["OutputValue"] for o in described["Outputs"] if o["OutputKey"] == "AgentsInvokeArn")
    arn = role(client(given.url, "iam"), given.role, invoke, given.also)
    keys = client(given.url, "sts").assume_role(RoleArn=arn, RoleSessionName="local")["Credentials"]
    variables = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"]}
    print(json.dumps(variables) if given.json else " ".join(f"{name}={value}" for name, value in variables.items()))


def role(iam, name: str, invoke: str, also: Path | None) -> str:
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}]}
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    ask = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": invoke}]}
    iam.put_role_policy(RoleName=name, PolicyName="ask", PolicyDocument=json.dumps(ask))
    if also:
        iam.put_role_policy(RoleName=name, PolicyName="act", PolicyDocument=also.read_text())
    return iam.get_role(RoleName=name)["Role"]["Arn"]


if __name__ == "__main__":
    main()
