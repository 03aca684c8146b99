"""The Java KCL's MultiLangDaemon from kclpy-ext, with a Python processor for each shard; leases in DynamoDB.

It speaks HTTP/2 with prior knowledge to a cleartext endpoint, and CBOR.
"""

import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from counting import Settings, end

PAUSE = 0.2

settings = Settings()
folder = tempfile.mkdtemp(prefix="java-kcl-")
count_log = os.path.join(folder, "count.log")
here = os.path.dirname(os.path.abspath(__file__))
jars = glob.glob(os.path.join(sys.prefix, "lib/python3*/site-packages/amazon_kclpy/jars"))[0]

properties = {
    "executableName": f"{sys.executable} {here}/java_processor.py",
    "streamName": settings.stream,
    "applicationName": settings.application,
    "regionName": "us-east-1",
    "kinesisEndpoint": settings.endpoint,
    "dynamoDBEndpoint": settings.lease_endpoint,
    "AwsCredentialsProvider": "EnvironmentVariableCredentialsProvider",
    "initialPositionInStream": "TRIM_HORIZON",
    "processingLanguage": "python/3.11",
    "metricsLevel": "NONE",
    "retrievalMode": "POLLING",
    "maxRecords": "10000",
    "idleTimeBetweenReadsInMillis": "200",
}
with open(os.path.join(folder, "kcl.properties"), "w") as file:
    file.writelines(f"{name} = {value}\n" for name, value in properties.items())
with open(os.path.join(folder, "logback.xml"), "w") as file:
    file.write(
        '<configuration><appender name="E" class="ch.qos.logback.core.ConsoleAppender"><target>System.err</target>'
        "<encoder><pattern>%level %logger{20} %msg%n</pattern></encoder></appender>"
        '<root level="ERROR"><appender-ref ref="E"/></root></configuration>'
    )

daemon = subprocess.Popen(
    [
        "java", "-cp", f"{jars}/*:{folder}", "software.amazon.kinesis.multilang.MultiLangDaemon",
        "--properties-file", f"{folder}/kcl.properties", "--log-configuration", f"{folder}/logback.xml",
    ],
    env={**os.environ, "COUNT_LOG": count_log},
    stdout=subprocess.DEVNULL,
)


def batches():
    if not os.path.exists(count_log):
        return []
    with open(count_log) as file:
        # The last line may be half written.
        lines = file.read().split("\n")[:-1]
    return [(float(time_), int(records)) for time_, records in (line.split() for line in lines)]


while daemon.poll() is None:
    time.sleep(PAUSE)
    found = batches()
    if sum(records for _, records in found) >= settings.records:
        times = [time_ for time_, _ in found]
        total = sum(records for _, records in found)
        print(json.dumps({"records": total, "first": min(times), "last": max(times)}), flush=True)
        daemon.send_signal(signal.SIGKILL)
        end()
sys.exit(f"the Java KCL ended with {daemon.returncode}")
