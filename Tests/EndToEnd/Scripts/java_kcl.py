"""Amazon's Kinesis Client Library for Java as a process, and DynamoDB for its leases."""

import os
import signal
import socket
import subprocess

import client

SETTINGS = {
    "regionName": "us-east-1",
    "AwsCredentialsProvider": "EnvironmentVariableCredentialsProvider",
    "initialPositionInStream": "TRIM_HORIZON",
    "processingLanguage": "python/3",
    "metricsLevel": "NONE",
    # Its own times are for large fleets; these are for a test.
    "failoverTimeMillis": 2000,
    "idleTimeBetweenReadsInMillis": 200,
    "leaseAssignmentIntervalMillis": 500,
    "parentShardPollIntervalMillis": 200,
    "shardSyncIntervalMillis": 1000,
    "workerMetricsReporterFreqInMillis": 1000,
}
LOGGING = """<configuration>
<appender name="E" class="ch.qos.logback.core.ConsoleAppender"><target>System.err</target>
<encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="E"/></root>
</configuration>"""


def reserved_port():
    """A socket on a free port: nobody else gets it but who asks for this one and reuses addresses."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


class Process:
    """A child in a process group of its own, so that its own children end with it."""

    def __init__(self, command, log, environment):
        self.log = log
        with open(log, "w") as output:
            self.child = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number, limit in [(signal.SIGTERM, 10), (signal.SIGKILL, 10)]:
            try:
                os.killpg(self.child.pid, number)
                self.child.wait(limit)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def tail(self):
        with open(self.log) as file:
            return file.read()[-4_000:]


class Leases(Process):
    """DynamoDB on a free port."""

    def __init__(self, ministack, folder):
        self.holder = reserved_port()
        port = self.holder.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        super().__init__(
            [f"{ministack}/bin/ministack"],
            f"{folder}/ministack.log",
            {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "GATEWAY_PORT": str(port)},
        )
        self.dynamo = client.service("dynamodb", self.endpoint)

    def begin(self, application, shards):
        """Makes an application's table with a lease for each shard, as after a first run.

        The library waits up to 30 s, by chance, before it fills an empty one.
        """
        self.dynamo.create_table(
            TableName=application,
            KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for shard in shards:
            keys = shard["HashKeyRange"]
            self.dynamo.put_item(
                TableName=application,
                Item={
                    "leaseKey": {"S": shard["ShardId"]},
                    "leaseCounter": {"N": "0"},
                    "ownerSwitchesSinceCheckpoint": {"N": "0"},
                    "checkpoint": {"S": "TRIM_HORIZON"},
                    "checkpointSubSequenceNumber": {"N": "0"},
                    "startingHashKey": {"S": keys["StartingHashKey"]},
                    "endingHashKey": {"S": keys["EndingHashKey"]},
                },
            )


class Library(Process):
    """One worker of an application, whose records go to a file."""

    def __init__(self, python, folder, application, stream, endpoint, leases, mode, speaks_cbor):
        self.application = application
        self.records = f"{folder}/{application}.records"
        jars = subprocess.check_output(
            [python, "-c", "import amazon_kclpy, os; print(os.path.dirname(amazon_kclpy.__file__) + '/jars')"],
            text=True,
        ).strip()
        settings = {
            "executableName": f"{python} {os.path.dirname(os.path.abspath(__file__))}/kcl_recorder.py",
            "streamName": stream,
            "applicationName": application,
            "kinesisEndpoint": endpoint,
            "dynamoDBEndpoint": leases.endpoint,
            "retrievalMode": mode,
            **SETTINGS,
        }
        home = f"{folder}/{application}"
        os.mkdir(home)
        with open(f"{home}/kcl.properties", "w") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        with open(f"{home}/logback.xml", "w") as file:
            file.write(LOGGING)
        super().__init__(
            [
                "java", f"-Daws.cborEnabled={str(speaks_cbor).lower()}", "-XX:TieredStopAtLevel=1",
                "-cp", f"{jars}/*:{home}", "software.amazon.kinesis.multilang.MultiLangDaemon",
                "--properties-file", f"{home}/kcl.properties",
                "--log-configuration", f"{home}/logback.xml",
            ],
            f"{folder}/{application}.log",
            {
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true", "RECORDS": self.records,
            },
        )

    def lines(self):
        return client.lines(self.records)

    def payloads(self):
        return [line["data"] for line in self.lines() if "data" in line]

    def ended(self):
        return {line["shard"] for line in self.lines() if line.get("event") == "ended"}
