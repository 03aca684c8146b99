"""Says when records are being pushed to it, and ends when the subscription does."""

import sys

import client
import event_stream

kinesis = client.kinesis(sys.argv[1])
kinesis.create_stream(StreamName="held", ShardCount=1)
arn = kinesis.describe_stream_summary(StreamName="held")["StreamDescriptionSummary"]["StreamARN"]
subscription = event_stream.Subscription(
    kinesis, event_stream.register(kinesis, arn, "c"), "shardId-000000000000", {"Type": "LATEST"}
)
print("subscribed", flush=True)
subscription.join()
sys.exit(str(subscription.error) if subscription.error else 0)
