"""Sends one HTTP request as no Kinesis client would, and prints the status and the body of the answer."""

import argparse
import http.client
import urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("endpoint")
parser.add_argument("method")
parser.add_argument("path")
parser.add_argument("--header", action="append", default=[], help="NAME=VALUE; may be repeated")
parser.add_argument("--body-bytes", type=int, default=0)
arguments = parser.parse_args()

connection = http.client.HTTPConnection(urllib.parse.urlsplit(arguments.endpoint).netloc, timeout=600)
connection.request(
    arguments.method,
    arguments.path,
    b" " * arguments.body_bytes,
    dict(header.split("=", 1) for header in arguments.header),
)
response = connection.getresponse()
print(response.status, response.read().decode().strip())
