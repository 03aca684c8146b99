"""Goes through a function's life with boto3: created from a zip, invoked, changed, published, removed.

Arguments: the endpoint.
"""

import base64
import json
import sys

import client

functions = client.service("lambda", sys.argv[1])
refused = client.refused
ROLE = "arn:aws:iam::000000000000:role/r"

ECHO = """
import os
print("loaded")
def handler(event, context):
    print("got", event)
    if event.get("fail"):
        raise ValueError("no gate B7")
    if event.get("exit"):
        os._exit(3)
    if event.get("environment"):
        return dict(os.environ)
    return {"version": "%s", "event": event, "name": context.function_name, "arn": context.invoked_function_arn}
"""


def invoke(payload, name="echo", **options):
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload), **options)
    body = answer["Payload"].read()
    return answer, json.loads(body) if body else None


def wait(waiter, name="echo"):
    functions.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})


# Created, and active as soon as a process of it has started.
created = functions.create_function(
    FunctionName="echo",
    Runtime="python3.12",
    Handler="app.handler",
    Role=ROLE,
    Code={"ZipFile": client.archive(app=ECHO % "one")},
    Timeout=900,
    MemorySize=256,
    Environment={"Variables": {"COLOUR": "green"}},
    Tags={"team": "a"},
)
assert created["State"] in ("Pending", "Active"), created
assert created["FunctionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:echo", created
wait("function_active_v2")
found = functions.get_function(FunctionName="echo")
assert found["Configuration"]["State"] == "Active", found
assert found["Configuration"]["CodeSha256"] == created["CodeSha256"]
assert found["Tags"] == {"team": "a"}, found
refused(
    "ResourceConflictException",
    functions.create_function,
    FunctionName="echo",
    Runtime="python3.12",
    Handler="app.handler",
    Role=ROLE,
    Code={"ZipFile": client.archive(app=ECHO % "one")},
)

# Invoked, with its log and its errors.
answer, body = invoke({"gate": 1}, LogType="Tail")
assert body == {"version": "one", "event": {"gate": 1}, "name": "echo", "arn": created["FunctionArn"]}, body
assert answer["ExecutedVersion"] == "$LATEST" and answer["StatusCode"] == 200, answer
tail = base64.b64decode(answer["LogResult"]).decode()
assert "START RequestId: " in tail and "got {'gate': 1}" in tail and "\nREPORT RequestId: " in tail, tail
answer, body = invoke({"fail": True})
assert answer["FunctionError"] == "Unhandled" and body["errorType"] == "ValueError", body
assert body["errorMessage"] == "no gate B7" and body["stackTrace"], body
answer, body = invoke({"exit": True})
assert answer["FunctionError"] == "Unhandled" and body["errorType"] == "Runtime.ExitError", body
assert functions.invoke(FunctionName="echo", InvocationType="DryRun")["StatusCode"] == 204
assert functions.invoke(FunctionName="echo", InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
refused("ResourceNotFoundException", functions.invoke, FunctionName="absent")
_, environment = invoke({"environment": True})
assert environment["COLOUR"] == "green" and "HOST_SECRET" not in environment, environment
assert "AWS_SECRET_ACCESS_KEY" not in environment, environment

# New code takes over; code that does not start leaves the old one running, and says so.
functions.update_function_code(FunctionName="echo", ZipFile=client.archive(app=ECHO % "two"))
wait("function_updated_v2")
assert invoke({})[1]["version"] == "two"
functions.update_function_code(FunctionName="echo", ZipFile=client.archive(app="import absent_module"))
state = client.until(
    "the broken code is refused",
    lambda: (c := functions.get_function_configuration(FunctionName="echo"))["LastUpdateStatus"] == "Failed" and c,
)
assert "absent_module" in state["LastUpdateStatusReason"], state
assert state["State"] == "Active", state
assert invoke({})[1]["version"] == "two"
functions.update_function_configuration(FunctionName="echo", Timeout=899, Environment={"Variables": {"COLOUR": "red"}})
wait("function_updated_v2")
assert invoke({"environment": True})[1]["COLOUR"] == "red"

# A first code that does not start is an error of the function, as for any caller on Lambda.
functions.create_function(
    FunctionName="broken",
    Runtime="python3.12",
    Handler="app.handler",
    Role=ROLE,
    Code={"ZipFile": client.archive(app="import absent_module")},
)
client.until(
    "the code does not start",
    lambda: functions.get_function_configuration(FunctionName="broken")["State"] == "Failed",
)
answer, body = invoke({}, name="broken")
assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled", answer
assert body["errorType"] == "Runtime.ExitError" and "absent_module" in body["errorMessage"], body
functions.delete_function(FunctionName="broken")
refused("InvalidRequestContentException", functions.invoke, FunctionName="echo", Payload=b"{")
refused("ResourceNotFoundException", functions.invoke, FunctionName="echo", Qualifier="absent")

# Published, and called by an alias that moves.
first = functions.publish_version(FunctionName="echo", Description="first")
assert first["Version"] == "1", first
alias = functions.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
assert alias["AliasArn"].endswith(":function:echo:live"), alias
functions.update_function_code(FunctionName="echo", ZipFile=client.archive(app=ECHO % "three"))
wait("function_updated_v2")
answer, body = invoke({}, Qualifier="live")
assert (body["version"], answer["ExecutedVersion"]) == ("two", "1"), (body, answer)
assert body["arn"].endswith(":function:echo:live"), body
assert invoke({})[1]["version"] == "three"
assert functions.publish_version(FunctionName="echo")["Version"] == "2"
functions.update_alias(FunctionName="echo", Name="live", FunctionVersion="2")
assert invoke({}, Qualifier="live")[1]["version"] == "three"
assert [v["Version"] for v in functions.list_versions_by_function(FunctionName="echo")["Versions"]] == ["$LATEST", "1", "2"]
refused("ResourceConflictException", functions.delete_function, FunctionName="echo", Qualifier="2")

# Stopped by a concurrency of 0.
functions.put_function_concurrency(FunctionName="echo", ReservedConcurrentExecutions=0)
refused("TooManyRequestsException", functions.invoke, FunctionName="echo", Payload=b"{}")
functions.delete_function_concurrency(FunctionName="echo")
assert invoke({})[1]["version"] == "three"

functions.tag_resource(Resource=created["FunctionArn"], Tags={"tier": "1"})
functions.untag_resource(Resource=created["FunctionArn"], TagKeys=["team"])
assert functions.list_tags(Resource=created["FunctionArn"])["Tags"] == {"tier": "1"}
assert [f["FunctionName"] for f in functions.list_functions()["Functions"]] == ["echo"]
functions.delete_function(FunctionName="echo")
refused("ResourceNotFoundException", functions.get_function, FunctionName="echo")
print("ok")
