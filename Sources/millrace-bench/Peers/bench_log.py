"""A Millrace host whose log every consumer of a run reads."""

import base64
import http.client
import json
import re
import subprocess
import threading

SHARDS = 4
PAYLOAD_BYTES = 100
RECORDS_PER_CALL = 500
CONNECTIONS = 8
STREAM = "bench"


class Host:
    def __init__(self, millrace, data):
        self.process = subprocess.Popen(
            [millrace, "serve", "--data", data, "--listen", "127.0.0.1:0", "--durability", "relaxed",
             "--log-level", "warning"],
            stderr=subprocess.PIPE, text=True,
        )
        said = ""
        for line in self.process.stderr:
            said += line
            match = re.search(r"listening on (http://(127\.0\.0\.1:\d+))", line)
            if match:
                self.endpoint, self.address = match[1], match[2]
                break
        else:
            raise RuntimeError(f"the host ended: {said}")
        # A full pipe would block it.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def call(self, connection, operation, body):
        connection.request(
            "POST", "/", body,
            {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{operation}"},
        )
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{operation}: {answer.status} {content[:300]!r}")
        return content

    def fill(self, records):
        """Puts records of PAYLOAD_BYTES, as many into each shard."""
        connection = http.client.HTTPConnection(self.address)
        self.call(connection, "CreateStream", json.dumps({"StreamName": STREAM, "ShardCount": SHARDS}))
        calls = records // RECORDS_PER_CALL
        threads = [
            threading.Thread(target=self._put, args=(calls // CONNECTIONS + (index < calls % CONNECTIONS),))
            for index in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _put(self, calls):
        payload = base64.b64encode(b"x" * PAYLOAD_BYTES).decode()
        step = 2**128 // SHARDS
        batch = [
            {"PartitionKey": f"key-{number}", "Data": payload, "ExplicitHashKey": str(number % SHARDS * step)}
            for number in range(RECORDS_PER_CALL)
        ]
        body = json.dumps({"StreamName": STREAM, "Records": batch})
        connection = http.client.HTTPConnection(self.address)
        for _ in range(calls):
            if json.loads(self.call(connection, "PutRecords", body))["FailedRecordCount"]:
                raise RuntimeError("records were not put")
