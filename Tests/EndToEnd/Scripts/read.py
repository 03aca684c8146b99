"""Reads a stream from front to back through the API, as a client that knows nothing of the host: one line of JSON a record."""

import json
import sys

import client


def main():
    endpoint, stream = sys.argv[1:]
    kinesis = client.kinesis(endpoint)
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            for record in answer["Records"]:
                line = {
                    "shard": shard["ShardId"],
                    "sequence": record["SequenceNumber"],
                    "key": record["PartitionKey"],
                    "data": record["Data"].decode(),
                }
                print(json.dumps(line))
            if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                break
            iterator = answer.get("NextShardIterator")


main()
