"""Puts records until all are in or the host is gone, and writes down each one that was acknowledged.

The records of one key carry 0, 1, 2 … in their data, `KEY:NUMBER`, and are put one call after the other, so that their order in the log
is known. Each connection has keys of its own.
"""

import argparse
import json
import sys
import threading

import botocore.exceptions

import client


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("stream")
    parser.add_argument("acknowledged", help="the file that gets a line for each acknowledged record")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--prefix", default="k", help="what the keys begin with")
    parser.add_argument("--until-lost", action="store_true", help="go on calling the host until it is gone")
    parser.add_argument("--per-call", type=int, default=100)
    arguments = parser.parse_args()

    kinesis = client.kinesis(arguments.endpoint)
    lost = threading.Event()
    with open(arguments.acknowledged, "a") as file:
        threads = [
            threading.Thread(target=produce, args=(kinesis, arguments, connection, file, lost))
            for connection in range(arguments.connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    while arguments.until_lost and not lost.is_set():
        try:
            kinesis.describe_stream_summary(StreamName=arguments.stream)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            lost.set()
    print("lost the host" if lost.is_set() else "done")


writing = threading.Lock()


def produce(kinesis, arguments, connection, file, lost):
    keys = [f"{arguments.prefix}{key}" for key in range(connection, arguments.keys, arguments.connections)]
    share = arguments.records // arguments.connections
    records = [(keys[number % len(keys)], f"{keys[number % len(keys)]}:{number // len(keys)}") for number in range(share)]
    for start in range(0, share, arguments.per_call):
        call = records[start : start + arguments.per_call]
        try:
            answer = kinesis.put_records(
                StreamName=arguments.stream,
                Records=[{"PartitionKey": key, "Data": data.encode()} for key, data in call],
            )
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            print(f"connection {connection}: {error}", file=sys.stderr)
            lost.set()
            return
        if answer["FailedRecordCount"]:
            raise SystemExit(f"{answer['FailedRecordCount']} records failed: {answer['Records']}")
        lines = [
            json.dumps({"shard": result["ShardId"], "sequence": result["SequenceNumber"], "key": key, "data": data})
            for (key, data), result in zip(call, answer["Records"])
        ]
        # Text files are not safe to share between threads.
        with writing:
            file.write("\n".join(lines) + "\n")
            file.flush()


main()
