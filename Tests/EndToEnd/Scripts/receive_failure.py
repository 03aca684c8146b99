"""Brings up SQS with a queue `failures` on a port of this machine, and prints the first message that arrives.

Arguments: the port.
"""

import sys

from moto.server import ThreadedMotoServer

import client

port = int(sys.argv[1])
ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False).start()
queues = client.service("sqs", f"http://127.0.0.1:{port}")
url = queues.create_queue(QueueName="failures")["QueueUrl"]
message = client.until("a failure arrives", lambda: queues.receive_message(QueueUrl=url).get("Messages"))[0]
print(message["Body"])
