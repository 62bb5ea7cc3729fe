"""Puts into a fresh engine what the template expects to find in an account: the Slack secret.

    python seed.py --url URL

reads the secret's JSON from standard input and prints {"slack_secret_arn"}.
"""

import argparse
import json
import sys

from local import client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    given = parser.parse_args()
    secret = client(given.url, "secretsmanager").create_secret(Name="countersign/slack", SecretString=sys.stdin.read())
    print(json.dumps({"slack_secret_arn": secret["ARN"]}))


if __name__ == "__main__":
    main()
