"""`millrace worker` as one consumer of the benchmark: reads the log over HTTP as the others do, leases in SQLite."""

import os
import shutil
import struct

BATCH_SIZE = 10_000

# What the benchmark's functions are started from, by the names of what they are measured as.
FUNCTIONS = {
    "plugin": ("swift-plugin", "CountingPlugin", "plugin/.build/release/libCountingPlugin.so"),
    "python": ("python3.12", "handler.handler", "python/handler.py"),
}


class MillraceWorker:
    """A counting function of one kind, and the command that runs it."""

    def __init__(self, kind, millrace, python, folder, stream):
        self.kind, self.millrace, self.python = kind, millrace, python
        self.folder = os.path.join(folder, kind)
        self.counters = os.path.join(self.folder, "counters")
        runtime, handler, code = FUNCTIONS[kind]
        shutil.rmtree(self.folder, ignore_errors=True)
        function = os.path.join(self.folder, "functions", kind)
        os.makedirs(function)
        os.makedirs(self.counters)
        sources = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Functions")
        shutil.copy(os.path.join(sources, code), function)
        with open(os.path.join(function, "function.yaml"), "w") as file:
            file.write(
                f"FunctionName: bench-{kind}\nRuntime: {runtime}\nHandler: {handler}\n"
                "Timeout: 60\nMemorySize: 512\nEvents:\n  Records:\n    Type: Kinesis\n    Properties:\n"
                f"      Stream: {stream}\n      StartingPosition: TRIM_HORIZON\n      BatchSize: {BATCH_SIZE}\n"
            )

    def command(self, endpoint):
        return [
            self.millrace, "worker", "--stream-endpoint", endpoint,
            "--functions", os.path.join(self.folder, "functions"), "--data", os.path.join(self.folder, "data"),
            "--python", self.python, "--function-environment", f"BENCH_DIRECTORY={self.counters}",
            "--log-level", "warning",
        ]

    def counts(self):
        """Records so far, and the times of the first and the last on the monotonic clock."""
        records, first, last = 0, None, None
        for name in os.listdir(self.counters):
            with open(os.path.join(self.counters, name), "rb") as file:
                words = file.read(32)
            if len(words) < 32:
                continue
            began, ended, batches, count = struct.unpack("<4Q", words)
            if not batches:
                continue
            records += count
            first = min(first or began, began)
            last = max(last or ended, ended)
        return records, (first or 0) / 1e9, (last or 0) / 1e9
