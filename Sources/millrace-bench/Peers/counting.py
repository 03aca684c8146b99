"""What every peer counts with, and how it tells the benchmark."""

import json
import os
import sys
import threading
import time
import uuid


class Settings:
    """From the command line: ENDPOINT STREAM RECORDS LEASE_ENDPOINT."""

    def __init__(self):
        self.endpoint, self.stream, records, self.lease_endpoint = sys.argv[1:5]
        self.records = int(records)
        # A name that no run before has left checkpoints under.
        self.application = f"bench-{uuid.uuid4().hex[:8]}"


class Counter:
    """Counts records of all threads; prints the times of the first and the last when all have come."""

    def __init__(self, records):
        self.wanted = records
        self.count = 0
        self.first = None
        self.lock = threading.Lock()

    def add(self, records):
        """Answers whether that was the last."""
        if not records:
            return False
        with self.lock:
            if self.first is None:
                self.first = time.monotonic()
            self.count += records
            if self.count < self.wanted:
                return False
            result = {"records": self.count, "first": self.first, "last": time.monotonic()}
            print(json.dumps(result), flush=True)
            return True


def end():
    """These libraries take long to end, or do not end at all."""
    sys.stdout.flush()
    os._exit(0)
