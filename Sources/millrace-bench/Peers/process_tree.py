"""What a process and its children use, as /proc tells."""

import os

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _stat(pid):
    with open(f"/proc/{pid}/stat") as file:
        # From the third field on: the name before may hold spaces.
        return file.read().rsplit(")", 1)[1].split()


def tree(root):
    """The process and everything that descends from it."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(_stat(name)[1]), []).append(int(name))
            except OSError:
                pass
    found, rest = [], [root]
    while rest:
        pid = rest.pop()
        found.append(pid)
        rest += children.get(pid, [])
    return found


def cpu_seconds(pids):
    """Of those that live, and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(int(field) for field in _stat(pid)[11:15])
        except OSError:
            pass
    return ticks / TICKS


def resident_bytes(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:
                total += int(file.read().split()[1]) * PAGE_BYTES
        except (OSError, IndexError):
            pass
    return total
