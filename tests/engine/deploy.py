"""Creates or updates a stack on the local engine, waits, and prints its outputs as JSON.

    python deploy.py --stack countersign --template out.json --parameters parameters.json --url http://127.0.0.1:4566 \\
        --put s3://code/intake-<hash>.zip=intake.zip

The parameters are a JSON object of strings; one that is not given keeps its default. --put copies a file to S3 first and
makes its bucket; put a hash of the file into the key, for CloudFormation sees changed code by a changed key only.
On failure each failed resource and its reason go to standard error, and the exit code is 1.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from pathlib import Path

DEPLOY_BUCKET = "engine-deploy"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# CloudFormation takes a template of up to this size in the call itself.
INLINE_LIMIT = 51_200


class DeployError(Exception):
    """Why there is no deployed stack."""


class Stack:
    def __init__(self, name: str, url: str, region: str, seconds: float):
        import boto3
        from botocore.config import Config

        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        session = boto3.Session("test", "test", region_name=region)
        self.name, self._url, self._region, self._seconds = name, url, region, seconds
        self._cloudformation = session.client("cloudformation", endpoint_url=url, config=config)
        self._s3 = session.client("s3", endpoint_url=url, config=config)

    def put(self, bucket: str, key: str, content: bytes) -> None:
        try:
            self._s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self._region})
        except (self._s3.exceptions.BucketAlreadyOwnedByYou, self._s3.exceptions.BucketAlreadyExists):
            pass
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)

    def deploy(self, template: str, parameters: dict[str, str]) -> dict[str, str]:
        """Create or update the stack; its outputs."""
        status = self._status()
        if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):  # a first try that failed cannot be updated
            self._cloudformation.delete_stack(StackName=self.name)
            self._wait(lambda now: now is None or now == "DELETE_COMPLETE")
            status = None
        started = time.time()
        call = self._cloudformation.create_stack if status in (None, "DELETE_COMPLETE") else self._cloudformation.update_stack
        try:
            call(StackName=self.name, Capabilities=CAPABILITIES, **self._template(template),
                 Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        except self._cloudformation.exceptions.ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise DeployError(str(error)) from error
        status = self._wait(lambda now: not now.endswith("_IN_PROGRESS"))
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeployError("\n".join([f"stack {self.name} is {status}", *self._failures(started)]))
        return {output["OutputKey"]: output["OutputValue"] for output in self._describe().get("Outputs", [])}

    def _template(self, template: str) -> dict:
        if len(template.encode()) <= INLINE_LIMIT:
            return {"TemplateBody": template}
        key = f"{self.name}-{hashlib.sha256(template.encode()).hexdigest()[:16]}.json"
        self.put(DEPLOY_BUCKET, key, template.encode())
        return {"TemplateURL": f"{self._url}/{DEPLOY_BUCKET}/{key}"}

    def _describe(self) -> dict:
        try:
            return self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except self._cloudformation.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise

    def _status(self) -> str | None:
        return self._describe().get("StackStatus")

    def _wait(self, done) -> str | None:
        end = time.monotonic() + self._seconds
        while not done(status := self._status()):
            if time.monotonic() > end:
                raise DeployError(f"stack {self.name} is still {status} after {self._seconds:g} s")
            time.sleep(0.05)
        return status

    def _failures(self, since: float) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return [f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason given')}"
                for event in reversed(events)
                if event["ResourceStatus"].endswith("_FAILED") and event["Timestamp"].timestamp() >= since - 1]


def _upload(text: str) -> tuple[str, str, Path]:
    found = re.fullmatch(r"s3://([^/]+)/([^=]+)=(.+)", text)
    if not found or not Path(found[3]).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not s3://bucket/key=file with a file that is there")
    return found[1], found[2], Path(found[3])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--stack", required=True)
    arguments.add_argument("--template", type=Path, required=True)
    arguments.add_argument("--parameters", type=Path)
    arguments.add_argument("--url", default="http://127.0.0.1:4566")
    arguments.add_argument("--region", default="eu-west-1")
    arguments.add_argument("--put", type=_upload, action="append", default=[], metavar="s3://bucket/key=file")
    arguments.add_argument("--seconds", type=float, default=120)
    given = arguments.parse_args()
    try:
        stack = Stack(given.stack, given.url, given.region, given.seconds)
        for bucket, key, file in given.put:
            stack.put(bucket, key, file.read_bytes())
        parameters = json.loads(given.parameters.read_text()) if given.parameters else {}
        outputs = stack.deploy(given.template.read_text(), parameters)
    except (DeployError, OSError, ValueError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    print(json.dumps(outputs, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
