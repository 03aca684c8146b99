"""Puts together what the three functions of this folder wrote, one line for each batch, into figures for the whole stream."""

import collections
import json
import pathlib

FUNCTIONS = ("delay-alerts", "carrier-delays", "busiest-hours")


def collect(directory):
    """The figures of the three functions, from their result files in `directory`."""
    return {
        "delay-alerts": delay_alerts(batches(directory, "delay-alerts")),
        "carrier-delays": carrier_delays(batches(directory, "carrier-delays")),
        "busiest-hours": busiest_hours(batches(directory, "busiest-hours")),
    }


def batches(directory, function):
    """Each batch once, in order.

    Delivery is at least once: what follows a crash may repeat a batch. Its sequence numbers tell.
    """
    lines = (pathlib.Path(directory) / f"{function}.jsonl").read_text().splitlines()
    ordered = sorted(map(json.loads, lines), key=lambda batch: (batch["shard"], int(batch["first"]), -int(batch["last"])))
    done = {}  # shard: the last sequence number counted
    distinct = []
    for batch in ordered:
        first, last = int(batch["first"]), int(batch["last"])
        counted = done.get(batch["shard"], -1)
        if last <= counted:
            continue
        if first <= counted:
            raise ValueError(f"{function}: the batch at {batch['shard']}:{first} overlaps the one before it")
        done[batch["shard"]] = last
        distinct.append(batch)
    return distinct


def delay_alerts(batches):
    routes = collections.Counter()
    alerts = []
    for batch in batches:
        routes.update(batch["routes"])
        alerts += batch["alerts"]
    alerts.sort(key=lambda alert: (-alert["delay"], alert["scheduled"], alert["flight"]))
    return {"records": records(batches), "alerts": alerts, "routes": dict(sorted(routes.items()))}


def carrier_delays(batches):
    carriers = {}
    for batch in batches:
        for carrier, sums in batch["carriers"].items():
            carriers.setdefault(carrier, collections.Counter()).update(sums)
    return {"records": records(batches), "carriers": {name: dict(carriers[name]) for name in sorted(carriers)}}


def busiest_hours(batches):
    hours = collections.Counter()
    for batch in batches:
        hours.update(batch["hours"])
    return {"records": records(batches), "hours": dict(sorted(hours.items()))}


def records(batches):
    return sum(batch["records"] for batch in batches)
