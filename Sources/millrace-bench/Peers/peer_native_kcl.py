"""native-aws-kcl-py, which keeps its leases in DynamoDB, with a checkpoint each second."""

import asyncio
import time

import native_aws_kcl_py as kcl
import native_aws_kcl_py.types
import native_aws_kcl_py.types.config as config
from counting import Counter, Settings, end

settings = Settings()
counter = Counter(settings.records)


class Processor(kcl.ShardRecordProcessor):
    checkpointed = 0.0

    async def initialize(self, call):
        pass

    async def process_records(self, call):
        is_last = counter.add(len(call.records))
        if is_last or time.monotonic() - self.checkpointed > 1:
            await call.checkpointer.checkpoint()
            self.checkpointed = time.monotonic()
        if is_last:
            end()

    async def lease_lost(self, call):
        pass

    async def shard_ended(self, call):
        await call.checkpointer.checkpoint()

    async def shutdown_requested(self, call):
        await call.checkpointer.checkpoint()


class Factory(kcl.ShardRecordProcessorFactory):
    def create_processor(self):
        return Processor()


def trim_horizon():
    for module in (kcl, config, native_aws_kcl_py.types):
        extended = getattr(module, "InitialPositionInStreamExtended", None)
        if extended is None:
            continue
        if hasattr(extended, "new_trim_horizon"):
            return extended.new_trim_horizon()
        return extended(module.InitialPositionInStream.TRIM_HORIZON)
    raise LookupError("native-aws-kcl-py has no InitialPositionInStreamExtended")


scheduler = kcl.Scheduler(
    kcl.KinesisConsumerConfig(
        aws=kcl.AwsConfig(
            region="us-east-1",
            kinesis_endpoint=settings.endpoint,
            dynamodb_endpoint=settings.lease_endpoint,
        ),
        application_name=settings.application,
        stream_name=settings.stream,
        record_processor_factory=Factory(),
        initial_position_in_stream=trim_horizon(),
        retrieval=config.RetrievalConfig(
            stream_name=settings.stream, max_records=10_000, idle_time_between_reads_millis=0
        ),
    )
)
asyncio.run(scheduler.run())
