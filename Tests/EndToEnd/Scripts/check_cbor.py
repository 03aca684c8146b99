"""Speaks CBOR as the AWS SDK for Java does, over HTTP/2 that nobody negotiated, and compares with what boto3 sees."""

import datetime
import subprocess
import sys
import tempfile

import cbor2

import client

endpoint = sys.argv[1]
kinesis = client.kinesis(endpoint)
# The SDK has milliseconds behind the tag for seconds, which cbor2 would take for a date in the year 50,000.
MOMENT, MILLISECONDS = b"Timestamp\xc1\x1b", b"Timestamp\x1b"


def call(operation, status=200, **members):
    """The answer to one operation, and the name of the error it ended in."""
    with tempfile.NamedTemporaryFile() as body, tempfile.NamedTemporaryFile() as answer:
        body.write(cbor2.dumps(members))
        body.flush()
        done = subprocess.run(
            [
                "curl", "-sS", "--http2-prior-knowledge", "--data-binary", f"@{body.name}", "-o", answer.name,
                "-H", "Content-Type: application/x-amz-cbor-1.1",
                "-H", f"X-Amz-Target: Kinesis_20131202.{operation}",
                "-w", "%{http_version} %{http_code} %{content_type} %header{x-amzn-errortype}", endpoint,
            ],
            check=True, capture_output=True, text=True,
        )
        version, code, content_type, *error = done.stdout.split()
        assert (version, int(code)) == ("2", status), done.stdout
        assert content_type == "application/x-amz-cbor-1.1", done.stdout
        content = open(answer.name, "rb").read()
        found = cbor2.loads(content.replace(MOMENT, MILLISECONDS)) if content else {}
        return (found, error[0]) if error else found


call("CreateStream", StreamName="binary", ShardCount=2)
summary = call("DescribeStreamSummary", StreamName="binary")["StreamDescriptionSummary"]
assert summary["OpenShardCount"] == 2 and summary["StreamStatus"] == "ACTIVE", summary

every = bytes(range(256))
stored = call(
    "PutRecords",
    StreamName="binary",
    Records=[
        {"Data": every, "PartitionKey": "ké", "ExplicitHashKey": "0"},
        {"Data": b"", "PartitionKey": "b", "ExplicitHashKey": str(2**128 - 1)},
        {"Data": b"x" * 100_000, "PartitionKey": "c", "ExplicitHashKey": "0"},
    ],
)
assert stored["FailedRecordCount"] == 0 and len(stored["Records"]) == 3, stored
single = call("PutRecord", StreamName="binary", PartitionKey="p", Data=b"one", ExplicitHashKey="0")
assert single["ShardId"] == "shardId-000000000000", single

at = {"StreamName": "binary", "ShardId": "shardId-000000000000"}
iterator = call("GetShardIterator", **at, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
read = call("GetRecords", ShardIterator=iterator)
assert [record["Data"] for record in read["Records"]] == [every, b"x" * 100_000, b"one"]
assert [record["PartitionKey"] for record in read["Records"]] == ["ké", "c", "p"]
same = kinesis.get_records(ShardIterator=iterator)["Records"]
assert [r["SequenceNumber"] for r in same] == [r["SequenceNumber"] for r in read["Records"]]
assert [r["Data"] for r in same] == [r["Data"] for r in read["Records"]]
assert [round(r["ApproximateArrivalTimestamp"].timestamp() * 1000) for r in same] == [
    r["ApproximateArrivalTimestamp"] for r in read["Records"]
]

# A moment in a request, in milliseconds too.
now = int(datetime.datetime.now().timestamp() * 1000)
later = call("GetShardIterator", **at, ShardIteratorType="AT_TIMESTAMP", Timestamp=cbor2.CBORTag(1, now))
assert call("GetRecords", ShardIterator=later["ShardIterator"])["Records"] == []

problem, kind = call("DescribeStream", status=400, StreamName="none")
assert kind == problem["__type"] == "ResourceNotFoundException" and "none" in problem["message"], problem
problem, kind = call("PutRecords", status=400, StreamName="binary", Records=[])
assert kind == "ValidationException", problem
print("ok")
