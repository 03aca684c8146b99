"""Goes through the life of functions and mappings with boto3 and checks what a user of the real service relies on."""

import base64
import io
import json
import sys
import zipfile

import boto3
import botocore.config
import botocore.exceptions

client = boto3.client(
    "lambda",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=600, connect_timeout=600),
)
ROLE = "arn:aws:iam::000000000000:role/r"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/flights"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def archive(text="def handler(event, context): return event"):
    buffer = io.BytesIO()
    # Without the time of day, so that the same files are the same archive.
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in (("app.py", text), ("lib/data.txt", "x" * 100_000)):
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class Streamed(io.RawIOBase):
    """What cannot go back, so that sizes follow the data."""

    def __init__(self):
        self.bytes = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.bytes += data
        return len(data)


def streamed_archive():
    target = Streamed()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("app.py", "w", force_zip64=True) as entry:
            entry.write(b"def handler(event, context): return 3")
    return bytes(target.bytes)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error.response["Error"]["Message"]
    raise AssertionError(f"not refused with {code}: {arguments}")


def wait(name, function="f"):
    client.get_waiter(name).wait(FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 600})


settings = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE}
created = client.create_function(
    **settings,
    Code={"ZipFile": archive()},
    Environment={"Variables": {"Stage": "test"}},
    Tags={"Team": "a"},
    TracingConfig={"Mode": "PassThrough"},
    EphemeralStorage={"Size": 512},
    PackageType="Zip",
)
assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
assert (created["FunctionArn"], created["Version"], created["State"]) == (ARN, "$LATEST", "Pending"), created
assert created["Environment"] == {"Variables": {"Stage": "test"}}, created
assert created["CodeSize"] == len(archive()), created
wait("function_active_v2")
wait("function_active")
message = refused("ResourceConflictException", client.create_function, **settings, Code={"ZipFile": archive()})
assert message == "Function already exist: f", message
found = client.get_function(FunctionName=ARN)
assert found["Tags"] == {"Team": "a"} and found["Configuration"]["LastUpdateStatus"] == "Successful", found
assert client.get_function(FunctionName="000000000000:function:f:$LATEST")["Configuration"]["FunctionArn"] == ARN + ":$LATEST"
message = refused("ResourceNotFoundException", client.get_function, FunctionName="g")
assert message == "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g", message

# Invoking.
answer = client.invoke(FunctionName="f", Payload=json.dumps({"a": 1}), LogType="Tail")
assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST"), answer
assert json.load(answer["Payload"]) == {"a": 1} and "FunctionError" not in answer
request = answer["ResponseMetadata"]["RequestId"]
assert base64.b64decode(answer["LogResult"]).decode() == f"START RequestId: {request}\n", answer
answer = client.invoke(FunctionName="f", Payload=b'"fail"')
assert answer["FunctionError"] == "Unhandled" and json.load(answer["Payload"])["errorType"] == "ValueError"
assert client.invoke(FunctionName="f", InvocationType="Event")["StatusCode"] == 202
assert client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
refused("InvalidRequestContentException", client.invoke, FunctionName="f", Payload=b"{")
refused("RequestTooLargeException", client.invoke, FunctionName="f", Payload=b" " * (6 * 1024 * 1024 + 1))
try:
    client.invoke(FunctionName="f", Payload=b'"busy"')
    raise AssertionError("a busy function takes nothing")
except client.exceptions.TooManyRequestsException as error:
    assert error.response["Reason"] == "ConcurrentInvocationLimitExceeded", error.response

answer = client.invoke(FunctionName="f", Payload=b'"no start"')
body = json.load(answer["Payload"])
assert (answer["StatusCode"], answer["FunctionError"], body["errorType"]) == (200, "Unhandled", "Runtime.ExitError"), body
assert body["errorMessage"].endswith(" Error: the process ended with exit code 1"), body
refused("InvalidParameterValueException", client.invoke, FunctionName="f", Payload=b'"plugin"')
refused("ResourceNotFoundException", client.invoke, FunctionName="f", Qualifier="7")
refused("ResourceNotFoundException", client.invoke, FunctionName="f", Qualifier="absent")
assert json.load(client.invoke(FunctionName="f")["Payload"]) == {}

# Changing.
revision = client.get_function_configuration(FunctionName="f")["RevisionId"]
refused("PreconditionFailedException", client.update_function_code, FunctionName="f", ZipFile=archive("2"), RevisionId="x")
dry = client.update_function_code(FunctionName="f", ZipFile=archive("2"), DryRun=True, RevisionId=revision)
assert dry["CodeSha256"] != created["CodeSha256"]
assert client.get_function_configuration(FunctionName="f")["CodeSha256"] == created["CodeSha256"]
updated = client.update_function_code(FunctionName="f", ZipFile=archive("2"), RevisionId=revision)
assert (updated["LastUpdateStatus"], updated["CodeSha256"]) == ("InProgress", dry["CodeSha256"]), updated
wait("function_updated_v2")
client.update_function_code(FunctionName="f", ZipFile=streamed_archive())
wait("function_updated_v2")
message = refused("InvalidParameterValueException", client.update_function_code, FunctionName="f", ZipFile=b"no archive")
assert message.startswith("Could not unzip uploaded file. Please check your file, then try to upload again."), message
client.update_function_configuration(FunctionName="f", Timeout=30, Description="d", Environment={"Variables": {}})
wait("function_updated")
now = client.get_function_configuration(FunctionName="f")
assert (now["Timeout"], now["MemorySize"], now["Description"]) == (30, 128, "d") and "Environment" not in now, now
client.update_function_configuration(FunctionName="f", Handler="broken.handler")
try:
    wait("function_updated_v2")
    raise AssertionError("code that does not start fails its update")
except botocore.exceptions.WaiterError as error:
    last = error.last_response["Configuration"]
    assert last["LastUpdateStatusReason"] == "the process ended with exit code 1", last
    assert last["Handler"] == "app.handler" and last["State"] == "Active", last

# Versions and aliases.
assert client.publish_version(FunctionName="f", Description="one")["FunctionArn"] == ARN + ":1"
versions = client.list_versions_by_function(FunctionName="f")["Versions"]
assert [version["Version"] for version in versions] == ["$LATEST", "1"], versions
alias = client.create_alias(FunctionName="f", Name="live", FunctionVersion="1", Description="a")
assert alias["AliasArn"] == ARN + ":live", alias
refused("ResourceConflictException", client.create_alias, FunctionName="f", Name="live", FunctionVersion="1")
refused("ResourceNotFoundException", client.create_alias, FunctionName="f", Name="other", FunctionVersion="7")
refused("ResourceConflictException", client.delete_function, FunctionName="f", Qualifier="1")
assert client.get_alias(FunctionName="f", Name="live")["FunctionVersion"] == "1"
assert client.update_alias(FunctionName="f", Name="live", FunctionVersion="$LATEST", RoutingConfig={})["Description"] == "a"
assert client.get_function(FunctionName="f:live")["Configuration"]["FunctionArn"] == ARN + ":live"
assert [a["Name"] for a in client.list_aliases(FunctionName="f")["Aliases"]] == ["live"]
client.delete_alias(FunctionName="f", Name="live")
refused("ResourceNotFoundException", client.get_alias, FunctionName="f", Name="live")

# Concurrency and tags.
client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
assert client.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 0
refused("TooManyRequestsException", client.invoke, FunctionName="f")
client.delete_function_concurrency(FunctionName="f")
assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="f")
client.tag_resource(Resource=ARN, Tags={"owner": "b"})
client.untag_resource(Resource=ARN, TagKeys=["Team"])
assert client.list_tags(Resource=ARN)["Tags"] == {"owner": "b"}

# Mappings.
mapping = client.create_event_source_mapping(FunctionName="f", EventSourceArn=STREAM, StartingPosition="LATEST", Tags={"k": "v"})
meta, uuid = mapping.pop("ResponseMetadata"), mapping.pop("UUID")
assert meta["HTTPStatusCode"] == 202
assert mapping.pop("LastModified").timestamp() > 1e9
mapping_arn = mapping.pop("EventSourceMappingArn")
assert mapping_arn == f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}"
assert mapping == {
    "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "StartingPosition": "LATEST",
    "EventSourceArn": STREAM, "FunctionArn": ARN, "LastProcessingResult": "No records processed", "State": "Creating",
    "StateTransitionReason": "User action", "DestinationConfig": {"OnFailure": {}}, "FunctionResponseTypes": [],
    "MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "BisectBatchOnFunctionError": False,
    "TumblingWindowInSeconds": 0,
}, mapping
assert client.list_tags(Resource=mapping_arn)["Tags"] == {"k": "v"}


def settled(uuid, state):
    for _ in range(200):
        current = client.get_event_source_mapping(UUID=uuid)
        if current["State"] == state:
            return current
    raise AssertionError(f"not {state}: {current}")


settled(uuid, "Enabled")
FOREIGN = "arn:aws:kinesis:eu-west-1:000000000000:stream/orders"
for stream, text in [(STREAM, "event source itself"), (FOREIGN, f"Stream not found: {FOREIGN}")]:
    message = refused(
        "InvalidParameterValueException", client.update_event_source_mapping,
        UUID=uuid, DestinationConfig={"OnFailure": {"Destination": stream}},
    )
    assert text in message, message
message = refused(
    "ResourceConflictException", client.create_event_source_mapping,
    FunctionName="f", EventSourceArn=STREAM, StartingPosition="LATEST",
)
assert message == (
    f'The event source arn (" {STREAM} ") and function (" f ") provided mapping already exists. '
    f"Please update or delete the existing mapping with UUID {uuid}"
), message
queue = "arn:aws:sqs:us-east-1:000000000000:q"
changed = client.update_event_source_mapping(
    UUID=uuid, Enabled=False, MaximumRetryAttempts=0, FunctionResponseTypes=["ReportBatchItemFailures"],
    DestinationConfig={"OnFailure": {"Destination": queue}}, FilterCriteria={"Filters": [{"Pattern": '{"data":{"a":[1]}}'}]},
)
assert changed["MaximumRetryAttempts"] == 0 and changed["BatchSize"] == 100, changed
assert changed["DestinationConfig"] == {"OnFailure": {"Destination": queue}}, changed
assert changed["FilterCriteria"] == {"Filters": [{"Pattern": '{"data":{"a":[1]}}'}]}, changed
settled(uuid, "Disabled")
changed = client.update_event_source_mapping(
    UUID=uuid, FunctionResponseTypes=[], DestinationConfig={"OnFailure": {}}, FilterCriteria={}, FunctionName="f:1",
)
assert changed["FunctionArn"] == ARN + ":1" and "FilterCriteria" not in changed, changed
assert (changed["FunctionResponseTypes"], changed["DestinationConfig"]) == ([], {"OnFailure": {}}), changed
second = client.create_event_source_mapping(
    FunctionName="f", EventSourceArn=STREAM.replace("flights", "orders"), StartingPosition="TRIM_HORIZON", Enabled=False
)
listed = client.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 1})
assert sorted(m["UUID"] for page in listed for m in page["EventSourceMappings"]) == sorted([uuid, second["UUID"]])
assert [m["UUID"] for m in client.list_event_source_mappings(EventSourceArn=STREAM)["EventSourceMappings"]] == [uuid]
message = refused(
    "InvalidParameterValueException", client.create_event_source_mapping,
    FunctionName="f", EventSourceArn=STREAM.replace("flights", "absent"), StartingPosition="LATEST",
)
assert message == f"Stream not found: {STREAM.replace('flights', 'absent')}", message
assert client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
for _ in range(200):
    try:
        client.get_event_source_mapping(UUID=uuid)
    except client.exceptions.ResourceNotFoundException:
        break
else:
    raise AssertionError("a deleted mapping goes")
refused("ResourceNotFoundException", client.delete_event_source_mapping, UUID=uuid)

# What deployment tools ask besides.
assert client.get_function_code_signing_config(FunctionName="f")["FunctionName"] == "f"
assert client.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"
assert client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"] == []
assert client.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"] == []
refused("ProvisionedConcurrencyConfigNotFoundException", client.get_provisioned_concurrency_config, FunctionName="f", Qualifier="1")
refused("ResourceNotFoundException", client.get_policy, FunctionName="f")
refused("ResourceNotFoundException", client.get_function_event_invoke_config, FunctionName="f")
assert client.get_account_settings()["AccountUsage"]["FunctionCount"] == 1

# Listing and removing.
for name in ("a", "b", "c"):
    client.create_function(**{**settings, "FunctionName": name}, Code={"ZipFile": archive()}, Publish=True)
pages = client.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 2})
names = [(f["FunctionName"], f["Version"]) for page in pages for f in page["Functions"]]
assert names == [(name, version) for name in "abcf" for version in ("$LATEST", "1")], names
client.delete_function(FunctionName="a", Qualifier="1")
client.delete_function(FunctionName="f")
refused("ResourceNotFoundException", client.delete_function, FunctionName="f")
assert client.list_event_source_mappings()["EventSourceMappings"] == []
print("ok")
