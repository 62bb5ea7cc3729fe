"""AWS clients for the local engine, for the scripts beside this file. Credentials come from the environment only."""

import boto3
from botocore.config import Config


def client(url: str, service: str, credentials: dict | None = None):
    """A client that calls the engine: with these STS credentials, or with what the environment holds."""
    keys = {} if credentials is None else {
        "aws_access_key_id": credentials["AccessKeyId"], "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"]}
    config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=url, config=config, **keys)
