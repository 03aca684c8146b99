"""A record processor of the Kinesis Client Library that writes down what it is told: one line each, to the file KCL_STORY."""

import os
import sys

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Processor(processor.RecordProcessorBase):
    def say(self, *words):
        with open(os.environ["KCL_STORY"], "a") as story:
            print(*words, file=story)

    def initialize(self, it):
        self.shard = it.shard_id
        self.say("initialized", self.shard, it.sequence_number)

    def process_records(self, it):
        for record in it.records:
            self.say("record", self.shard, record.sequence_number)
        if it.records:
            it.checkpointer.checkpoint()

    def lease_lost(self, it):
        self.say("lost", self.shard)

    def shard_ended(self, it):
        it.checkpointer.checkpoint()
        self.say("ended", self.shard)

    def shutdown_requested(self, it):
        self.say("asked", self.shard)
        it.checkpointer.checkpoint()


kcl.KCLProcess(Processor(), sys.stdin, sys.stdout).run()
