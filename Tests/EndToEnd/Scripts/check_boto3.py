"""Goes through a stream's life with boto3 and checks what a user of the real service relies on."""

import sys
import time

import client

kinesis = client.kinesis(sys.argv[1])
refused = client.refused

kinesis.create_stream(StreamName="orders", ShardCount=3)
kinesis.get_waiter("stream_exists").wait(StreamName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 300})
refused("ResourceInUseException", kinesis.create_stream, StreamName="orders", ShardCount=1)
assert kinesis.list_streams()["StreamNames"] == ["orders"]
summary = kinesis.describe_stream_summary(StreamName="orders")["StreamDescriptionSummary"]
assert (summary["OpenShardCount"], summary["RetentionPeriodHours"], summary["StreamStatus"]) == (3, 24, "ACTIVE"), summary
shards = kinesis.describe_stream(StreamName="orders")["StreamDescription"]["Shards"]
assert [shard["ShardId"] for shard in shards] == [f"shardId-{number:012}" for number in range(3)], shards
assert int(shards[0]["HashKeyRange"]["StartingHashKey"]) == 0
assert int(shards[-1]["HashKeyRange"]["EndingHashKey"]) == 2**128 - 1

before = time.time()
put = kinesis.put_records(
    StreamName="orders",
    Records=[{"PartitionKey": f"key {number} é", "Data": bytes([number]) * number} for number in range(1, 200)],
)
assert put["FailedRecordCount"] == 0, put
single = kinesis.put_record(StreamName="orders", PartitionKey="p", Data=b"\x00\xff", ExplicitHashKey="0")
assert single["ShardId"] == "shardId-000000000000", single

read = {}
for shard in shards:
    at = {"StreamName": "orders", "ShardId": shard["ShardId"]}
    iterator = kinesis.get_shard_iterator(**at, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    numbers = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=7)
        if not answer["Records"]:
            break
        for record in answer["Records"]:
            read[record["PartitionKey"]] = record["Data"]
            numbers.append(int(record["SequenceNumber"]))
            assert before - 1 <= record["ApproximateArrivalTimestamp"].timestamp() <= time.time() + 1
        iterator = answer["NextShardIterator"]
    assert numbers == sorted(set(numbers)), "sequence numbers grow along a shard"
    middle = str(numbers[len(numbers) // 2])
    for kind, expected in (("AT_SEQUENCE_NUMBER", middle), ("AFTER_SEQUENCE_NUMBER", str(numbers[len(numbers) // 2 + 1]))):
        iterator = kinesis.get_shard_iterator(**at, ShardIteratorType=kind, StartingSequenceNumber=middle)["ShardIterator"]
        assert kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"][0]["SequenceNumber"] == expected
    iterator = kinesis.get_shard_iterator(**at, ShardIteratorType="AT_TIMESTAMP", Timestamp=before - 60)["ShardIterator"]
    assert int(kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"][0]["SequenceNumber"]) == numbers[0]
    iterator = kinesis.get_shard_iterator(**at, ShardIteratorType="LATEST")["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator)["Records"] == []
assert read == {f"key {number} é": bytes([number]) * number for number in range(1, 200)} | {"p": b"\x00\xff"}

kinesis.increase_stream_retention_period(StreamName="orders", RetentionPeriodHours=48)
kinesis.add_tags_to_stream(StreamName="orders", Tags={"team": "a"})
assert kinesis.list_tags_for_stream(StreamName="orders")["Tags"] == [{"Key": "team", "Value": "a"}]
assert kinesis.describe_stream_summary(StreamName="orders")["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48
refused("ResourceNotFoundException", kinesis.put_record, StreamName="absent", PartitionKey="p", Data=b"")
refused("InvalidArgumentException", kinesis.get_records, ShardIterator="garbage")
refused("ValidationException", kinesis.put_record, StreamName="orders", PartitionKey="p" * 257, Data=b"")
kinesis.delete_stream(StreamName="orders")
kinesis.get_waiter("stream_not_exists").wait(StreamName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 300})
print("ok")
