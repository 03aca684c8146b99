"""An AWS Lambda function on a Kinesis stream: punctuality by carrier.

Nothing in here knows of Millrace: the same file runs in AWS Lambda.
"""

import base64
import json
import os

LATE_MINUTES = 15


def handler(event, context):
    records = event["Records"]
    carriers = {}
    for record in records:
        departure = json.loads(base64.b64decode(record["kinesis"]["data"]))
        add(departure, carriers)

    write_result(
        {
            # eventID is "shard:sequence number". A batch that is delivered again has the same numbers.
            "shard": records[0]["eventID"].split(":")[0],
            "first": records[0]["kinesis"]["sequenceNumber"],
            "last": records[-1]["kinesis"]["sequenceNumber"],
            "records": len(records),
            "carriers": carriers,
        }
    )
    return {"batchItemFailures": []}


def add(departure, carriers):
    sums = carriers.setdefault(
        departure["carrier"], {"flights": 0, "late": 0, "cancelled": 0, "arrived": 0, "arrivalDelay": 0}
    )
    sums["flights"] += 1
    if departure["dep_delay"] is None:
        sums["cancelled"] += 1
    elif departure["dep_delay"] > LATE_MINUTES:
        sums["late"] += 1
    # A diverted flight has departed, but never arrived where it was meant to.
    if departure["arr_delay"] is not None:
        sums["arrived"] += 1
        sums["arrivalDelay"] += departure["arr_delay"]


def write_result(result):
    line = json.dumps(result) + "\n"
    directory = os.environ.get("OUTPUT_DIRECTORY")
    if directory is None:
        print(line, end="")
        return
    # One write to a file opened for appending: lines of processes that run side by side do not mix.
    file = os.open(os.path.join(directory, "carrier-delays.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
