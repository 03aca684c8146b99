"""Has Amazon's Kinesis Client Library for Java consume a stream from this endpoint, through a split and a merge: one
application by push in CBOR, one by polling in JSON. Nothing may be lost, and no key's records may come out of order."""

import sys

import client
import java_kcl

endpoint, python, ministack, folder = sys.argv[1:]
kinesis = client.kinesis(endpoint)
STREAM = "shared"
KEYS = 20
put = []


def open_shards():
    shards = kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    return sorted(shards, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))


def add(count):
    """Puts the next numbers, under keys all over the shards."""
    numbers = range(len(put), len(put) + count)
    records = [{"PartitionKey": f"key {n % KEYS}", "Data": str(n).encode()} for n in numbers]
    assert kinesis.put_records(StreamName=STREAM, Records=records)["FailedRecordCount"] == 0
    put.extend(str(number) for number in numbers)


def check_order(library):
    """Of what came twice, the first time counts."""
    last = {}
    for number in dict.fromkeys(map(int, library.payloads())):
        assert last.get(number % KEYS, -1) < number, f"{number} after {last[number % KEYS]}"
        last[number % KEYS] = number


kinesis.create_stream(StreamName=STREAM, ShardCount=2)
add(500)
with java_kcl.Leases(ministack, folder) as leases:
    client.until("DynamoDB answers", lambda: client.answers(leases.dynamo.list_tables))
    for application in ["pushed", "polled"]:
        leases.begin(application, open_shards())
    common = {"stream": STREAM, "endpoint": endpoint, "leases": leases}
    with (
        java_kcl.Library(python, folder, "pushed", mode="FANOUT", speaks_cbor=True, **common) as pushed,
        java_kcl.Library(python, folder, "polled", mode="POLLING", speaks_cbor=False, **common) as polled,
    ):
        both = [pushed, polled]

        def have_all():
            for library in both:
                assert library.child.poll() is None, f"{library.application} ended: {library.tail()}"
            return all(set(library.payloads()) >= set(put) for library in both)

        def wait(what):
            try:
                client.until(what, have_all, limit=600)
            except SystemExit:
                missing = {library.application: len(set(put) - set(library.payloads())) for library in both}
                sys.exit(f"{what}: missing {missing}\n{pushed.tail()}\n{polled.tail()}")

        wait("both applications have the records from before")
        first, second = open_shards()
        middle = (int(first["HashKeyRange"]["StartingHashKey"]) + int(first["HashKeyRange"]["EndingHashKey"])) // 2
        kinesis.split_shard(
            StreamName=STREAM, ShardToSplit=first["ShardId"], NewStartingHashKey=str(middle)
        )
        add(500)
        _, upper, _ = open_shards()
        kinesis.merge_shards(
            StreamName=STREAM, ShardToMerge=upper["ShardId"], AdjacentShardToMerge=second["ShardId"]
        )
        add(500)
        wait("both applications have the records through a split and a merge")
        for library in both:
            check_order(library)
            assert library.ended() >= {first["ShardId"], second["ShardId"], upper["ShardId"]}, library.ended()
        consumers = kinesis.list_stream_consumers(
            StreamARN=kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
        )["Consumers"]
        assert [consumer["ConsumerName"] for consumer in consumers] == ["pushed"], consumers
print("ok")
