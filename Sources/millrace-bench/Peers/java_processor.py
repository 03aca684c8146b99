"""The record processor of the Java KCL's MultiLangDaemon: writes a line `time records` to COUNT_LOG for each batch."""

import os
import sys
import time

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Processor(processor.RecordProcessorBase):
    checkpointed = 0.0

    def initialize(self, call):
        self.log = open(os.environ["COUNT_LOG"], "a", buffering=1)

    def process_records(self, call):
        if call.records:
            self.log.write(f"{time.monotonic()} {len(call.records)}\n")
            if time.monotonic() - self.checkpointed > 1:
                call.checkpointer.checkpoint()
                self.checkpointed = time.monotonic()

    def lease_lost(self, call):
        pass

    def shard_ended(self, call):
        call.checkpointer.checkpoint()

    def shutdown_requested(self, call):
        call.checkpointer.checkpoint()


kcl.KCLProcess(Processor(), sys.stdin, sys.stdout).run()
