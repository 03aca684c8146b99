"""What the scripts share: boto3 clients that try each call once, so that nothing is sent twice unseen."""

import io
import json
import sys
import time
import zipfile

import boto3
import botocore.config
import botocore.exceptions


def service(name, endpoint, attempts=1, read_timeout=600, key="test", secret="test"):
    return boto3.client(
        name,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=botocore.config.Config(
            retries={"total_max_attempts": attempts}, read_timeout=read_timeout, connect_timeout=600, max_pool_connections=32
        ),
    )


def kinesis(endpoint, attempts=1, read_timeout=600):
    return service("kinesis", endpoint, attempts, read_timeout)


def refused(code, call, **arguments):
    """The message with which a call is refused; it must carry this code."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"not refused with {code}: {arguments}")


def archive(**files):
    """A zip with these modules, the same each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(zipfile.ZipInfo(f"{name}.py"), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def until(what, condition, limit=600):
    """Waits for what must come about by itself, and gives it. The limit only ends a run that has failed."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    sys.exit(f"{what}: not within {limit} s")


def answers(call):
    """Whether a service that is being started takes calls yet."""
    try:
        call()
        return True
    except botocore.exceptions.EndpointConnectionError:
        return False


def lines(path):
    """The values of a file of JSON lines, without one that is still being written."""
    try:
        with open(path) as file:
            return [json.loads(line) for line in file if line.endswith("\n") and line.strip()]
    except FileNotFoundError:
        return []
