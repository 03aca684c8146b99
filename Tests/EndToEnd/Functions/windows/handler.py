"""Sums up the numbers of each tumbling window, and writes the sum down in the window's final invocation."""

import base64
import json
import os


def handler(event, context):
    numbers = [int(base64.b64decode(record["kinesis"]["data"]).decode().split(":")[1]) for record in event["Records"]]
    state = event["state"]
    count, total = state.get("count", 0) + len(numbers), state.get("sum", 0) + sum(numbers)
    if event["isFinalInvokeForWindow"]:
        line = {"shard": event["shardId"], "start": event["window"]["start"], "count": count, "sum": total}
        # A line break first keeps a line that SIGKILL tore apart from this one.
        with open(os.path.join(os.environ["OUTPUT_DIRECTORY"], "windows.jsonl"), "a") as file:
            file.write("\n" + json.dumps(line) + "\n")
    return {"state": {"count": count, "sum": total}}
