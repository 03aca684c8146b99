"""A record processor of the Kinesis Client Library that appends what it gets to the file in RECORDS, a JSON line each."""

import json
import os
import sys

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Recorder(processor.RecordProcessorBase):
    def initialize(self, input):
        self.shard = input.shard_id
        self.file = open(os.environ["RECORDS"], "a", buffering=1)

    def note(self, **fields):
        self.file.write(json.dumps({"shard": self.shard, **fields}) + "\n")

    def process_records(self, input):
        for record in input.records:
            self.note(
                key=record.partition_key, data=record.binary_data.decode(), sequence=record.sequence_number
            )
        if input.records:
            input.checkpointer.checkpoint()

    def lease_lost(self, input):
        self.note(event="lease lost")

    def shard_ended(self, input):
        self.note(event="ended")
        input.checkpointer.checkpoint()

    def shutdown_requested(self, input):
        input.checkpointer.checkpoint()


kcl.KCLProcess(Recorder(), sys.stdin, sys.stdout).run()
