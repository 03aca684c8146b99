"""Calls a host that has credentials as everybody may try to, and checks who gets in.

Arguments: the endpoint, and an id and a secret for an admin, a producer and a reader.
"""

import datetime
import sys

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.httpsession

endpoint, *keys = sys.argv[1:]
admin, producer, reader = (tuple(keys[index : index + 2]) for index in (0, 2, 4))


def client(key, region="us-east-1", token=None):
    return boto3.client(
        "kinesis",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        aws_session_token=token,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=600, connect_timeout=600),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"not refused with {code}: {arguments}")


def send(request):
    return botocore.httpsession.URLLib3Session(timeout=600).send(request.prepare())


def signed(method, path, key=admin, service="millrace", body=b"", auth=botocore.auth.SigV4Auth, **headers):
    request = botocore.awsrequest.AWSRequest(method, endpoint + path, data=body, headers=headers)
    auth(botocore.credentials.Credentials(*key), service, "us-east-1").add_auth(request)
    return request


record = {"StreamName": "orders", "PartitionKey": "p", "Data": b"\x00" * 88_000}
client(admin).create_stream(StreamName="orders", ShardCount=1)
client(producer).put_record(**record)
client(producer).put_records(StreamName="orders", Records=[{"PartitionKey": "é", "Data": b"a"}] * 500)
client(producer).describe_stream_summary(StreamName="orders")
assert client(reader).list_streams()["StreamNames"] == ["orders"]
iterator = client(reader).get_shard_iterator(
    StreamName="orders", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
)["ShardIterator"]
assert len(client(reader).get_records(ShardIterator=iterator)["Records"]) == 501

assert "read-only" in refused("AccessDeniedException", client(reader).put_record, **record)
assert "produce-only" in refused("AccessDeniedException", client(producer).delete_stream, StreamName="orders")
refused("AccessDeniedException", client(producer).get_records, ShardIterator=iterator)
refused("UnrecognizedClientException", client(("MRNOBODYNOBODYNOBODY", admin[1])).list_streams)
refused("InvalidSignatureException", client((admin[0], producer[1])).list_streams)
assert "region" in refused("InvalidSignatureException", client(admin, region="eu-west-1").list_streams)
refused("UnrecognizedClientException", client(admin, token="token").list_streams)

response = send(botocore.awsrequest.AWSRequest("POST", endpoint + "/", headers={"X-Amz-Target": "Kinesis_20131202.ListStreams"}))
assert (response.status_code, response.headers["x-amzn-errortype"]) == (400, "MissingAuthenticationTokenException")

# What was signed comes again as it was, and changed.
target = {"X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"}
request = signed("POST", "/", service="kinesis", body=b"{}", **target)
assert [send(request).status_code for _ in range(2)] == [200, 200]
request.data = b'{"Limit": 1}'
assert send(request).headers["x-amzn-errortype"] == "InvalidSignatureException"
request.data = b"{}"
request.headers.replace_header("X-Amz-Target", "Kinesis_20131202.DescribeLimits")
assert send(request).headers["x-amzn-errortype"] == "InvalidSignatureException"

# The host's own API, in the header and presigned, and by whom.
path = "/millrace/v1/functions"
assert send(signed("GET", path)).content == b"[]"
assert send(signed("GET", path, key=reader)).status_code == 200
assert send(signed("GET", path, key=producer)).status_code == 403
assert send(signed("GET", path, service="kinesis")).status_code == 403
assert send(signed("GET", path + "?b=%C3%A9&a=x%20y", auth=botocore.auth.SigV4QueryAuth)).content == b"[]"
assert send(signed("GET", "/millrace/v1/streams/orders%2Dx/retention")).status_code == 404
presigned = signed("GET", path, auth=botocore.auth.SigV4QueryAuth)
presigned.url = presigned.url.replace("functions", "mappings")
assert send(presigned).status_code == 403
assert send(botocore.awsrequest.AWSRequest("GET", endpoint + path)).status_code == 403
assert send(botocore.awsrequest.AWSRequest("GET", endpoint + "/2015-03-31/functions")).status_code == 403

# No browser signs its origin.
request = signed("GET", path)
request.headers["Origin"] = "https://page.example"
assert b"Origin" in send(request).content
assert send(signed("GET", path, Origin="https://page.example")).status_code == 200

# A signature of an hour ago.
now = botocore.auth.get_current_datetime
botocore.auth.get_current_datetime = lambda *arguments, **named: now(*arguments, **named) - datetime.timedelta(hours=1)
assert b"Signature expired" in send(signed("GET", path)).content

print("ok")
