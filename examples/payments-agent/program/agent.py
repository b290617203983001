"""Pays the invoices that have come in: once, or every AGENT_INTERVAL seconds."""

import csv
import os
import pathlib
import signal
import sys
import time

import graph

# The first process of a container gets no SIGTERM that it does not ask for; a restart would take half a minute.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())

interval = float(os.environ.get("AGENT_INTERVAL", "0"))
inbox = pathlib.Path(__file__).with_name("invoices.csv")

while True:
    with inbox.open(newline="") as file:
        for line in graph.run(list(csv.DictReader(file))):
            print(line, flush=True)
    if interval <= 0:
        break
    time.sleep(interval)
