"""Computes from the log what a function that sums up tumbling windows must find: one line of JSON a window.

Arguments: the endpoint, the stream, and the length of a window in seconds.
"""

import collections
import datetime
import json
import sys

import client


def main():
    endpoint, stream, seconds = sys.argv[1:]
    seconds = int(seconds)
    kinesis = client.kinesis(endpoint)
    windows = collections.defaultdict(lambda: [0, 0])
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            for record in answer["Records"]:
                start = int(record["ApproximateArrivalTimestamp"].timestamp() // seconds * seconds)
                window = windows[shard["ShardId"], start]
                window[0] += 1
                window[1] += int(record["Data"].decode().split(":")[1])
            if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                break
            iterator = answer["NextShardIterator"]
    for (shard, start), (count, total) in sorted(windows.items()):
        time = datetime.datetime.fromtimestamp(start, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        print(json.dumps({"shard": shard, "start": time, "count": count, "sum": total}))


main()
