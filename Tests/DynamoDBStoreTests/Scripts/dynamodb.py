"""DynamoDB and Kinesis on a free port of this machine, until standard input ends. Prints the port."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request


def end_with_parent():
    # Also when this script is killed.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def reserved_port():
    # Nobody else is given the port as long as this socket is open; whoever names it, and reuses addresses, gets it.
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation, reservation.getsockname()[1]


def answers(port):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


reservation, port = reserved_port()
settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
server = subprocess.Popen(
    [sys.executable, "-m", "ministack"],
    env={**os.environ, **settings},
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    preexec_fn=end_with_parent,
)
try:
    while not answers(port):
        if server.poll() is not None:
            sys.exit(f"ministack ended with {server.returncode}")
        time.sleep(0.05)
    print(port, flush=True)
    sys.stdin.read()
finally:
    # Asked to end it waits for its connections.
    server.kill()
    server.wait()
