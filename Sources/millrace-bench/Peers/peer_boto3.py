"""boto3 alone: a thread for each shard, no checkpoints."""

import threading

import boto3
from counting import Counter, Settings, end

settings = Settings()
counter = Counter(settings.records)


def client():
    return boto3.session.Session().client("kinesis", endpoint_url=settings.endpoint)


def read(shard):
    kinesis = client()
    iterator = kinesis.get_shard_iterator(
        StreamName=settings.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        if counter.add(len(answer["Records"])):
            end()
        iterator = answer.get("NextShardIterator")


shards = client().list_shards(StreamName=settings.stream)["Shards"]
threads = [threading.Thread(target=read, args=(shard["ShardId"],)) for shard in shards]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
