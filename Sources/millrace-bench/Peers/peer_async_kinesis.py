"""async-kinesis with checkpoints in memory."""

import asyncio

from counting import Counter, Settings, end
from kinesis import Consumer, MemoryCheckPointer, StringProcessor

settings = Settings()
counter = Counter(settings.records)


async def consume():
    async with Consumer(
        stream_name=settings.stream,
        endpoint_url=settings.endpoint,
        region_name="us-east-1",
        iterator_type="TRIM_HORIZON",
        record_limit=10_000,
        sleep_time_no_records=0.2,
        max_shard_consumers=None,
        checkpointer=MemoryCheckPointer(name=settings.application),
        checkpoint_interval=1.0,
        shard_fetch_rate=1000,
        max_queue_size=20_000,
        processor=StringProcessor(),
        create_stream=False,
    ) as consumer:
        while True:
            async for _ in consumer:
                if counter.add(1):
                    end()
            await asyncio.sleep(0.05)


asyncio.run(consume())
