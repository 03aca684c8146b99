#!/usr/bin/env python3
"""The main job, end to end: real records, three functions, their results.

Starts a host on a fresh data directory, puts a week of departures into a stream of four shards, waits until every function has processed
every record, prints what they produced, and stops the host. Everything stays in the directory for you to look into.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import figures

FUNCTIONS = pathlib.Path(__file__).resolve().parent
RECORDS = FUNCTIONS / "flights" / "flights-first-week.jsonl"
STREAM = "flights"
SHARDS = 4
START_SECONDS = 120
PROCESS_SECONDS = 600
STOP_SECONDS = 120


def main():
    arguments = parse_arguments()
    directory = arguments.directory.resolve()
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "results").mkdir(parents=True)

    with running_host(arguments, directory) as millrace:
        millrace("stream", "create", STREAM, "--shards", str(SHARDS))
        started = time.monotonic()
        millrace("stream", "put", STREAM, str(RECORDS), "--partition-key", "tailnum")
        put = time.monotonic()
        count = sum(1 for _ in RECORDS.open())
        checkpoints = wait_until_processed(millrace, count)
        processed = time.monotonic()
        table = millrace("checkpoint", "list")

    result = figures.collect(directory / "results")
    (directory / "figures.json").write_text(json.dumps(result, indent=2) + "\n")
    (directory / "checkpoints.json").write_text(json.dumps(checkpoints, indent=2) + "\n")
    print(f"{count:,} departures from New York, 1 to 7 January 2013: put into {SHARDS} shards in {put - started:.1f} s,")
    print(f"processed by {len(figures.FUNCTIONS)} functions {processed - started:.1f} s after the first was put.")
    print_figures(result)
    print(f"\nCheckpoints\n{table.rstrip()}")
    print(f"\nLeft in {shown(directory)}: data/ (log, checkpoints, function logs), results/, figures.json, host.log")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millrace", type=pathlib.Path, required=True, help="the millrace executable")
    parser.add_argument("--python", type=pathlib.Path, required=True, help="a Python that has awslambdaric")
    parser.add_argument("--directory", type=pathlib.Path, required=True, help="where everything goes; emptied first")
    return parser.parse_args()


@contextlib.contextmanager
def running_host(arguments, directory):
    """Runs a host and lends a function that calls the `millrace` command on it and returns what it prints."""
    log = directory / "host.log"
    command = [arguments.millrace, "serve", "--data", directory / "data", "--functions", FUNCTIONS]
    # Port 0: any that is free; the host says which.
    command += ["--listen", "127.0.0.1:0", "--python", os.path.abspath(arguments.python)]
    command += ["--function-environment", f"OUTPUT_DIRECTORY={directory / 'results'}"]
    with log.open("wb") as output:
        host = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def millrace(*words):
        call = [arguments.millrace, *words, "--endpoint", endpoint]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"millrace {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}", log)
        return done.stdout

    try:
        endpoint = wait_until_listening(host, log)
        yield millrace
        host.send_signal(signal.SIGTERM)
        if host.wait(timeout=STOP_SECONDS) != 0:
            fail(f"the host ended with {host.returncode}", log)
    finally:
        if host.poll() is None:
            host.kill()
            host.wait()


def wait_until_listening(host, log):
    deadline = time.monotonic() + START_SECONDS
    while True:
        listening = re.search(r"listening on (http://[^\s\"]+)", log.read_text())
        if listening:
            return listening[1]
        if host.poll() is not None:
            fail(f"the host ended with {host.returncode}", log)
        if time.monotonic() > deadline:
            fail(f"the host did not listen within {START_SECONDS} s", log)
        time.sleep(0.02)


def wait_until_processed(millrace, count):
    deadline = time.monotonic() + PROCESS_SECONDS
    while True:
        checkpoints = json.loads(millrace("checkpoint", "list", "--json"))
        done = dict.fromkeys(figures.FUNCTIONS, 0)
        for row in checkpoints:
            if row["function"] in done:
                done[row["function"]] += row["records"]
        if all(records >= count for records in done.values()):
            return checkpoints
        if time.monotonic() > deadline:
            progress = ", ".join(f"{name} {records:,}" for name, records in done.items())
            fail(f"of {count:,} records were processed within {PROCESS_SECONDS} s: {progress}")
        time.sleep(0.1)


def print_figures(result):
    alerts = result["delay-alerts"]["alerts"]
    print(f"\ndelay-alerts (Swift plugin): {len(alerts)} departures two hours late or more, the latest of them")
    for alert in alerts[:5]:
        print(f"  {alert['scheduled']}  {alert['flight']:<7}{alert['route']}  {alert['delay']:>5} min")
    routes = sorted(result["delay-alerts"]["routes"].items(), key=lambda item: (-item[1], item[0]))
    print("  busiest routes: " + ", ".join(f"{route} {departures}" for route, departures in routes[:5]))

    print("\ncarrier-delays (Python, awslambdaric): punctuality by carrier")
    print("  carrier  flights  late > 15 min  cancelled  mean arrival delay")
    carriers = sorted(result["carrier-delays"]["carriers"].items(), key=lambda item: -item[1]["flights"])
    for name, sums in carriers:
        mean = f"{sums['arrivalDelay'] / sums['arrived']:.1f} min" if sums["arrived"] else "-"
        print(f"  {name:<7}{sums['flights']:>9,}{sums['late']:>15,}{sums['cancelled']:>11,}{mean:>20}")

    print("\nbusiest-hours (custom runtime, bootstrap): departures in each airport's busiest hours of the day")
    hours = result["busiest-hours"]["hours"]
    for airport in sorted({key.split()[0] for key in hours}):
        busiest = sorted(((count, key.split()[1]) for key, count in hours.items() if key.startswith(airport)), reverse=True)
        print(f"  {airport}  " + ", ".join(f"{hour}:00 {count}" for count, hour in busiest[:5]))


def shown(path):
    """The path as a user would type it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def fail(reason, log=None):
    print(f"error: {reason}", file=sys.stderr)
    if log is not None:
        for line in log.read_text(errors="replace").splitlines()[-20:]:
            print(f"host.log: {line}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
