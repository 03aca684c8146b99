"""SQS, SNS and S3 on a free port of this machine, until standard input ends.

Prints the port and the keys of a user who may do everything. With --verify only requests that this user has signed are taken.
"""

import json
import sys
from contextlib import nullcontext

import boto3
from moto.core.authorization import enable_iam_authentication
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"

session = boto3.Session("setup", "setup", region_name="us-east-1")
iam = session.client("iam", endpoint_url=endpoint)
iam.create_user(UserName="millrace")
statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
iam.put_user_policy(
    UserName="millrace",
    PolicyName="everything",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
)
key = iam.create_access_key(UserName="millrace")["AccessKey"]

with enable_iam_authentication() if "--verify" in sys.argv else nullcontext():
    print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
    sys.stdin.read()
