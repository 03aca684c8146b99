"""Goes through the life of event source mappings with boto3, with a Python function that writes down what it gets.

Arguments: the endpoint, and a folder that the function may write to.
"""

import json
import os
import sys

import client

endpoint, folder = sys.argv[1:]
functions = client.service("lambda", endpoint)
kinesis = client.kinesis(endpoint)
refused = client.refused
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/flights"

RECORDER = """
import base64, json, os
def handler(event, context):
    records = [json.loads(base64.b64decode(r["kinesis"]["data"])) for r in event["Records"]]
    with open(os.environ["OUTPUT"], "a") as file:
        file.write(json.dumps({"records": records, "window": event.get("window"), "state": event.get("state")}) + "\\n")
    mode = os.environ.get("MODE")
    if mode == "sum":
        return {"state": {"sum": event["state"].get("sum", 0) + sum(r["n"] for r in records)}}
    failed = [r for r in event["Records"] if json.loads(base64.b64decode(r["kinesis"]["data"])).get("poison")]
    if mode == "partial":
        return {"batchItemFailures": [{"itemIdentifier": r["kinesis"]["sequenceNumber"]} for r in failed]}
    if failed:
        raise ValueError("poison")
"""


def create(name, mode=""):
    output = os.path.join(folder, name + ".jsonl")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Timeout=900,
        Code={"ZipFile": client.archive(app=RECORDER)},
        Environment={"Variables": {"OUTPUT": output, "MODE": mode}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
    return output


def put(*values):
    for start in range(0, len(values), 500):
        records = [{"PartitionKey": str(v["n"]), "Data": json.dumps(v)} for v in values[start : start + 500]]
        assert kinesis.put_records(StreamName="flights", Records=records)["FailedRecordCount"] == 0


def state(mapping, wanted):
    return client.until(
        f"the mapping is {wanted}",
        lambda: (m := functions.get_event_source_mapping(UUID=mapping["UUID"]))["State"] == wanted and m,
    )


def numbers(output):
    return [r["n"] for line in client.lines(output) for r in line["records"]]


recorded = create("recorder")
missing = refused(
    "InvalidParameterValueException",
    functions.create_event_source_mapping,
    FunctionName="recorder",
    EventSourceArn=STREAM,
    StartingPosition="TRIM_HORIZON",
)
assert missing.startswith(f"Stream not found: {STREAM}"), missing
kinesis.create_stream(StreamName="flights", ShardCount=1)

# Made, and answered as the service does.
mapping = functions.create_event_source_mapping(
    FunctionName="recorder", EventSourceArn=STREAM, StartingPosition="TRIM_HORIZON"
)
assert mapping["ResponseMetadata"]["HTTPStatusCode"] == 202
assert mapping["State"] == "Creating", mapping
expected = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "StartingPosition": "TRIM_HORIZON",
    "EventSourceArn": STREAM,
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:recorder",
    "LastProcessingResult": "No records processed",
    "StateTransitionReason": "User action",
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "BisectBatchOnFunctionError": False,
    "TumblingWindowInSeconds": 0,
}
assert {key: mapping.get(key) for key in expected} == expected, mapping
assert "FilterCriteria" not in mapping and "Enabled" not in mapping, mapping
state(mapping, "Enabled")
conflict = refused(
    "ResourceConflictException",
    functions.create_event_source_mapping,
    FunctionName="recorder",
    EventSourceArn=STREAM,
    StartingPosition="TRIM_HORIZON",
)
assert mapping["UUID"] in conflict, conflict
put(*({"n": n} for n in range(100)))
client.until("every record is delivered", lambda: sorted(numbers(recorded)) == list(range(100)))
client.until(
    "the last result is OK",
    lambda: functions.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == "OK",
)

# Disabled and enabled it goes on where it was.
functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
state(mapping, "Disabled")
put(*({"n": n} for n in range(100, 120)))
functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True, BatchSize=7)
assert state(mapping, "Enabled")["BatchSize"] == 7
client.until("it goes on", lambda: sorted(numbers(recorded)) == list(range(120)))
assert max(len(line["records"]) for line in client.lines(recorded)[-3:]) <= 7

# A filter lets through what matches.
functions.update_event_source_mapping(
    UUID=mapping["UUID"], FilterCriteria={"Filters": [{"Pattern": json.dumps({"data": {"n": [{"numeric": [">=", 150]}]}})}]}
)
state(mapping, "Enabled")
put(*({"n": n} for n in range(120, 170)))
client.until("only what matches comes", lambda: sorted(numbers(recorded)) == [*range(120), *range(150, 170)])
refused(
    "InvalidParameterValueException",
    functions.update_event_source_mapping,
    UUID=mapping["UUID"],
    FilterCriteria={"Filters": [{"Pattern": '{"data":{"n":[{"wildcard":"1*"}]}}'}]},
)
functions.delete_event_source_mapping(UUID=mapping["UUID"])
client.until("it is gone", lambda: not functions.list_event_source_mappings()["EventSourceMappings"])
refused("ResourceNotFoundException", functions.get_event_source_mapping, UUID=mapping["UUID"])

# The measured budget of the service: batches of 3, 3 retries, the last of six records always fails.
partial = create("partial", "partial")
mapping = functions.create_event_source_mapping(
    FunctionName="partial",
    EventSourceArn=STREAM,
    StartingPosition="TRIM_HORIZON",
    BatchSize=3,
    MaximumBatchingWindowInSeconds=1,
    MaximumRetryAttempts=3,
    FunctionResponseTypes=["ReportBatchItemFailures"],
    DestinationConfig={"OnFailure": {"Destination": f"file://{folder}/failures.jsonl"}},
)
state(mapping, "Enabled")
client.until("all before is read", lambda: len(numbers(partial)) == 170)
records = [{"PartitionKey": "k", "Data": json.dumps({"n": n, "poison": n == 1006})} for n in range(1001, 1007)]
kinesis.put_records(StreamName="flights", Records=records)
failure = client.until("the failure is in its file", lambda: client.lines(folder + "/failures.jsonl"))[0]
delivered = numbers(partial)
assert [delivered.count(n) for n in range(1001, 1007)] == [1, 1, 1, 1, 1, 5], delivered
assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted", failure
assert failure["requestContext"]["approximateInvokeCount"] == 4, failure
assert failure["responseContext"]["functionError"] is None, failure
assert failure["KinesisBatchInfo"]["batchSize"] == 1, failure
functions.delete_event_source_mapping(UUID=mapping["UUID"])
client.until("it is gone", lambda: not functions.list_event_source_mappings()["EventSourceMappings"])

# An exception, bisected down to the poison.
bisected = create("bisected")
mapping = functions.create_event_source_mapping(
    FunctionName="bisected",
    EventSourceArn=STREAM,
    StartingPosition="TRIM_HORIZON",
    BatchSize=1000,
    MaximumRetryAttempts=0,
    BisectBatchOnFunctionError=True,
    DestinationConfig={"OnFailure": {"Destination": f"file://{folder}/bisected-failures.jsonl"}},
)
failures = client.until("the poison is named", lambda: client.lines(folder + "/bisected-failures.jsonl"))
assert [f["KinesisBatchInfo"]["batchSize"] for f in failures] == [1], failures
assert failures[0]["responseContext"]["functionError"] == "Unhandled", failures
everything = {*range(170), *range(1001, 1007)}
client.until("everything else is delivered", lambda: set(numbers(bisected)) == everything)
functions.delete_event_source_mapping(UUID=mapping["UUID"])
functions.delete_function(FunctionName="bisected")
print("ok")
