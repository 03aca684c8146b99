"""Registers consumers with boto3, has records pushed to them over HTTP/1.1, and checks what a user relies on."""

import sys
import time

import client
import event_stream

kinesis = client.kinesis(sys.argv[1])
kinesis.create_stream(StreamName="pushed", ShardCount=1)
arn = kinesis.describe_stream_summary(StreamName="pushed")["StreamDescriptionSummary"]["StreamARN"]
shard = "shardId-000000000000"


def put(*payloads):
    answer = kinesis.put_records(
        StreamName="pushed", Records=[{"PartitionKey": "ké", "Data": payload} for payload in payloads]
    )
    return [record["SequenceNumber"] for record in answer["Records"]]


def payloads(subscription):
    return [record["Data"] for record in subscription.records]


consumer = event_stream.register(kinesis, arn, "first")
client.refused("ResourceInUseException", kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="first")
assert [c["ConsumerName"] for c in kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]] == ["first"]

before_put = time.time()
numbers = put(b"a", bytes(range(256)))



def subscribe(position):
    try:
        return event_stream.Subscription(kinesis, consumer, shard, position)
    except kinesis.exceptions.ResourceInUseException:
        time.sleep(0.2)
        return None


# One subscription at a time: another is refused until the first has had five seconds, which a busy machine may use up.
while True:
    before = time.monotonic()
    subscription = client.until("the subscription begins", lambda: subscribe({"Type": "TRIM_HORIZON"}))
    if not subscribe({"Type": "LATEST"}):
        break
    assert time.monotonic() - before >= 5
client.until("the records are pushed", lambda: len(subscription.records) == 2)
assert payloads(subscription) == [b"a", bytes(range(256))], subscription.events
assert [record["SequenceNumber"] for record in subscription.records] == numbers
assert subscription.records[0]["PartitionKey"] == "ké"
arrival = subscription.records[0]["ApproximateArrivalTimestamp"].timestamp()
assert before_put - 1 <= arrival <= time.time() + 1, arrival
assert subscription.events[-1]["ContinuationSequenceNumber"] == numbers[-1]

# Each record comes after its put; that no poll is needed is tested where time stands still.
delays = []
for number in range(20):
    before = time.monotonic()
    count = len(subscription.records)
    put(b"quick")
    while len(subscription.records) == count:
        time.sleep(0.001)
    delays.append(time.monotonic() - before)
print(f"pushed {sorted(delays)[len(delays) // 2] * 1000:.0f} ms after the put began", file=sys.stderr)

# The next one takes over once the first has had five seconds.
other = event_stream.Subscription(
    kinesis, event_stream.register(kinesis, arn, "second"), shard, {"Type": "LATEST"}
)
put(b"for both")
client.until("both have it", lambda: payloads(other) == [b"for both"] and b"for both" in payloads(subscription))

position = {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}
successor = client.until("the second subscription takes over", lambda: subscribe(position))
client.until("the first ends", lambda: not subscription.is_alive())
assert "ResourceInUseException" in str(subscription.error), subscription.error
client.until("the successor has records", lambda: successor.records)
assert successor.records[0]["SequenceNumber"] == numbers[1]

client.until("an empty event comes without records", lambda: successor.events[-1]["Records"] == [])
assert successor.events[-1]["ContinuationSequenceNumber"] == successor.records[-1]["SequenceNumber"]

kinesis.deregister_stream_consumer(ConsumerARN=consumer)
client.until("a deregistered consumer's subscription ends", lambda: not successor.is_alive())
assert "ResourceNotFoundException" in str(successor.error), successor.error
print("ok")
