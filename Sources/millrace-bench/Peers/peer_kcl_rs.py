"""kcl-rs, which keeps its leases in DynamoDB, with a checkpoint each second.

It takes one endpoint for everything, so both come from the environment.
"""

import time

from counting import Counter, Settings, end
from kcl_rs import RecordProcessorBase, Scheduler

settings = Settings()
counter = Counter(settings.records)


class Processor(RecordProcessorBase):
    checkpointed = 0.0

    def initialize(self, call):
        pass

    def process_records(self, call):
        is_last = counter.add(len(call.records))
        if is_last or time.monotonic() - self.checkpointed > 1:
            call.checkpointer.checkpoint()
            self.checkpointed = time.monotonic()
        if is_last:
            end()

    def lease_lost(self, call):
        pass

    def shard_ended(self, call):
        call.checkpointer.checkpoint()

    def shutdown_requested(self, call):
        call.checkpointer.checkpoint()


Scheduler(
    stream_name=settings.stream,
    application_name=settings.application,
    record_processor_factory=Processor,
    region="us-east-1",
    initial_position="TRIM_HORIZON",
    access_key_id="x",
    secret_access_key="y",
    retrieval_mode="POLLING",
    max_records=10_000,
    idle_time_between_reads_millis=200,
).run()
