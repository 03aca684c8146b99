"""Watches the counters of all leases in a data directory, and tells how long the slowest went without a change.

usage: renewals.py DATA SECONDS
"""

import json
import sqlite3
import sys
import time

PAUSE = 0.1

data, seconds = sys.argv[1], float(sys.argv[2])
connection = sqlite3.connect(f"file:{data}/millrace.sqlite?mode=ro", uri=True)


def counters():
    return dict(connection.execute("SELECT application || '/' || leaseKey, leaseCounter FROM lease"))


start = time.monotonic()
seen = {key: (counter, start) for key, counter in counters().items()}
gaps = []
while time.monotonic() - start < seconds:
    time.sleep(PAUSE)
    rows, now = counters(), time.monotonic()
    for key, counter in rows.items():
        before, since = seen.get(key, (None, now))
        if counter != before:
            gaps.append(now - since)
            seen[key] = (counter, now)
# What has not been renewed by now is as late as it is.
now = time.monotonic()
waiting = [now - since for _, since in seen.values()]
gaps.sort()
print(
    json.dumps(
        {
            "leases": len(seen),
            "renewals": len(gaps),
            "medianSeconds": gaps[len(gaps) // 2] if gaps else None,
            "latestSeconds": max(gaps + waiting),
        }
    )
)
