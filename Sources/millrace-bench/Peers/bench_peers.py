"""Measures `millrace worker` and the consumer libraries that it stands beside, on one log over HTTP, in one run.

`make bench-peers` builds and installs what this needs. Each consumer reads every record of 4 shards from the oldest on;
the rate is that after the first record.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench_log import PAYLOAD_BYTES, SHARDS, STREAM, Host
from millrace_worker import FUNCTIONS, MillraceWorker
from process_tree import cpu_seconds, resident_bytes, tree

HERE = os.path.dirname(os.path.abspath(__file__))

# Name, environment, and how many times as fast the plugin is to be.
PEERS = [
    ("kcl-rs", "kcl-rs", 3),
    ("Java KCL", "java-kcl", 5),
    ("boto3", "boto3", 20),
    ("async-kinesis", "async-kinesis", 20),
    ("native-aws-kcl-py", "native-kcl", 20),
]
FIRST_RECORD_SECONDS = 2
SAMPLE_SECONDS = 0.1
LEASES_START_SECONDS = 60


class LeaseService:
    """A ministack, for the peers that keep their leases in DynamoDB."""

    def __init__(self, ministack):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self.folder = tempfile.mkdtemp(prefix="bench-leases-")
        self.process = subprocess.Popen(
            [ministack], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "GATEWAY_PORT": str(port), "SERVICES": "dynamodb"},
        )
        deadline = time.monotonic() + LEASES_START_SECONDS
        while True:
            try:
                urllib.request.urlopen(self.endpoint, timeout=1)
                return
            except urllib.error.HTTPError:
                return
            except OSError as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"ministack did not start at {self.endpoint}") from error
                time.sleep(0.2)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Measurement:
    """One consumer's process while it runs."""

    def __init__(self, command, environment, host):
        self.host = host
        self.host_cpu = cpu_seconds([host.process.pid])
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.cpu = 0.0
        self.peak = 0

    def sample(self):
        pids = tree(self.process.pid)
        self.cpu = max(self.cpu, cpu_seconds(pids))
        self.peak = max(self.peak, resident_bytes(pids))
        return pids

    def end(self):
        """Ends the process and its children; gives what they used."""
        pids = self.sample()
        usage = {
            "cpu_seconds": round(self.cpu, 2),
            "peak_megabytes": round(self.peak / 1e6),
            "host_cpu_seconds": round(cpu_seconds([self.host.process.pid]) - self.host_cpu, 2),
        }
        for pid in reversed(pids):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        return usage

    def result(self, records, first, last):
        return {
            "records": records,
            "records_per_second": round(records / max(last - first, 1e-6)),
            "first_record_seconds": round(first - self.start, 2),
            **self.end(),
        }


def measure_peer(peer, arguments, host, leases):
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_KINESIS": host.endpoint, "AWS_ENDPOINT_URL_DYNAMODB": leases.endpoint,
        "AWS_ENDPOINT_URL_CLOUDWATCH": leases.endpoint,
    }
    script = f"peer_{peer.replace('-', '_')}.py"
    command = [
        f"{arguments.peers}/{peer}/bin/python3", "-B", os.path.join(HERE, script), host.endpoint, STREAM,
        str(arguments.records), leases.endpoint,
    ]
    measurement = Measurement(command, environment, host)
    deadline = time.monotonic() + arguments.limit
    while measurement.process.poll() is None and time.monotonic() < deadline:
        measurement.sample()
        time.sleep(SAMPLE_SECONDS)
    if measurement.process.poll() is None:
        measurement.end()
        return {"problem": f"not done within {arguments.limit} s"}
    said, complaints = measurement.process.communicate()
    lines = [line for line in said.splitlines() if line.startswith("{")]
    if not lines:
        return {"problem": (complaints.strip().splitlines() or [f"ended with {measurement.process.returncode}"])[-1]}
    counted = json.loads(lines[-1])
    return measurement.result(counted["records"], counted["first"], counted["last"])


def measure_worker(kind, arguments, host, folder):
    worker = MillraceWorker(kind, arguments.millrace, arguments.python, folder, STREAM)
    measurement = Measurement(worker.command(host.endpoint), os.environ, host)
    deadline = time.monotonic() + arguments.limit
    while measurement.process.poll() is None and time.monotonic() < deadline:
        measurement.sample()
        records, first, last = worker.counts()
        if records >= arguments.records:
            return measurement.result(records, first, last)
        time.sleep(SAMPLE_SECONDS)
    ended = measurement.process.poll()
    measurement.end()
    if ended is None:
        return {"problem": f"{worker.counts()[0]} records within {arguments.limit} s"}
    return {"problem": measurement.process.communicate()[1].strip()[-300:] or f"ended with {ended}"}


def table(report):
    own = report["consumers"].get("millrace worker, plugin", {}).get("records_per_second")
    lines = [
        f"{report['records']} records of {PAYLOAD_BYTES} bytes, {SHARDS} shards, {report['cores']} cores",
        "",
        "| consumer | records/s | the plugin is | bar | first record s | CPU s | peak MB | host CPU s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    bars = {name: bar for name, _, bar in PEERS}
    for name, result in report["consumers"].items():
        if "problem" in result:
            lines.append(f"| {name} | {result['problem']} | | | | | | |")
            continue
        rate = result["records_per_second"]
        bar = bars.get(name)
        ratio = f"{own / rate:.1f} times" if own and name in bars else ""
        lines.append(
            f"| {name} | {rate:,} | {ratio} | {f'{bar} times' if bar else ''} | {result['first_record_seconds']} "
            f"| {result['cpu_seconds']} | {result['peak_megabytes']} | {result['host_cpu_seconds']} |"
        )
    return "\n".join(lines + [""] + missed(report))


def missed(report):
    """What the numbers were to be and are not."""
    own = report["consumers"].get("millrace worker, plugin")
    if own is None:
        return []
    if "problem" in own:
        return ["missed: millrace worker did not finish"]
    lines = []
    if own["first_record_seconds"] > FIRST_RECORD_SECONDS:
        lines.append(f"missed: first record after {own['first_record_seconds']} s, {FIRST_RECORD_SECONDS} s wanted")
    for name, _, bar in PEERS:
        rate = report["consumers"].get(name, {}).get("records_per_second")
        if bar and rate and own["records_per_second"] < bar * rate:
            lines.append(f"missed: {own['records_per_second'] / rate:.1f} times {name}, {bar} times wanted")
    return lines or ["every bar is reached"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millrace", default=".build/release/millrace")
    parser.add_argument("--python", default=".build/venv/bin/python3", help="a Python that has awslambdaric")
    parser.add_argument("--peers", default=".build/peers", help="a folder with an environment for each peer")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--limit", type=float, default=400, help="seconds that one consumer may take")
    parser.add_argument("--only", action="append", default=[], help="a consumer of the table; may be repeated")
    parser.add_argument("--output", default=".build/bench-peers.json")
    arguments = parser.parse_args()
    for name in ("millrace", "python", "peers"):
        # Not resolved further: a virtual environment is known by the path of its link.
        setattr(arguments, name, os.path.abspath(getattr(arguments, name)))

    folder = tempfile.mkdtemp(prefix="bench-peers-", dir=os.path.dirname(os.path.abspath(arguments.output)))
    report = {"records": arguments.records, "cores": os.cpu_count(), "consumers": {}}

    def note(name, measure):
        if arguments.only and name not in arguments.only:
            return
        report["consumers"][name] = result = measure()
        print(f"{name}: {result}", file=sys.stderr, flush=True)

    leases = LeaseService(f"{arguments.peers}/ministack/bin/ministack")
    host = Host(arguments.millrace, os.path.join(folder, "log"))
    try:
        print(f"putting {arguments.records} records", file=sys.stderr, flush=True)
        host.fill(arguments.records)
        for kind in FUNCTIONS:
            note(f"millrace worker, {kind}", lambda: measure_worker(kind, arguments, host, folder))
        for name, peer, _ in PEERS:
            note(name, lambda: measure_peer(peer, arguments, host, leases))
    finally:
        leases.stop()
        host.stop()
        shutil.rmtree(folder, ignore_errors=True)
    with open(arguments.output, "w") as file:
        json.dump(report, file, indent=2)
    print(table(report))
    print(f"written to {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
