"""Writes down what it is given, and fails with every batch that holds the data `poison:0`."""

import base64
import json
import os


def handler(event, context):
    data = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    with open(os.path.join(os.environ["OUTPUT_DIRECTORY"], "attempts.jsonl"), "a") as file:
        file.write("\n" + json.dumps(data) + "\n")
    if "poison:0" in data:
        raise ValueError("poison")
