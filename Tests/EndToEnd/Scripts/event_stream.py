"""SubscribeToShard as boto3 has it, and what a consumer needs around it."""

import threading


def register(kinesis, arn, name):
    """The ARN of a new consumer, once it is active."""
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
    assert consumer["ConsumerStatus"] == "CREATING", consumer
    described = kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]
    assert described["ConsumerStatus"] == "ACTIVE" and described["StreamARN"] == arn, described
    return consumer["ConsumerARN"]


class Subscription(threading.Thread):
    """Reads one shard's events in the background until the subscription ends."""

    def __init__(self, kinesis, consumer, shard, position):
        super().__init__(daemon=True)
        self.answer = kinesis.subscribe_to_shard(
            ConsumerARN=consumer, ShardId=shard, StartingPosition=position
        )
        self.events = []
        self.error = None
        self.start()

    def run(self):
        try:
            for event in self.answer["EventStream"]:
                self.events.append(event["SubscribeToShardEvent"])
        except Exception as error:
            self.error = error

    @property
    def records(self):
        return [record for event in list(self.events) for record in event["Records"]]
