"""Pays the invoices that have come in: once, or every AGENT_INTERVAL seconds."""

import csv
import os
import pathlib
import time

import graph

interval = float(os.environ.get("AGENT_INTERVAL", "0"))
inbox = pathlib.Path(__file__).with_name("invoices.csv")

while True:
    with inbox.open(newline="") as file:
        for line in graph.run(list(csv.DictReader(file))):
            print(line, flush=True)
    if interval <= 0:
        break
    time.sleep(interval)
