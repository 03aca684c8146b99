"""What the scripts share: a boto3 client that tries each call once, so that nothing is sent twice unseen."""

import boto3
import botocore.config


def kinesis(endpoint, attempts=1, read_timeout=30):
    return boto3.client(
        "kinesis",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(
            retries={"total_max_attempts": attempts}, read_timeout=read_timeout, max_pool_connections=32
        ),
    )
