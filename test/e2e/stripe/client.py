"""The unmodified Stripe SDK for Python, pointed at the gateway in one of the ways it supports. Prints one JSON line:
what each of three calls came to."""

import json
import os
import socket

import stripe

way = os.environ["WAY"]
port = os.environ["GATEWAY_PORT"]
ca = os.environ.get("GATEWAY_CA") or None
local = "http://127.0.0.1:" + port
if ca:
    stripe.ca_bundle_path = ca

stripe.enable_telemetry = False
options = {}
if way == "prefix":
    options["base_addresses"] = {"api": local + "/stripe-payments"}
elif way == "port":
    options["base_addresses"] = {"api": local}
elif way == "proxy":
    options["proxy"] = local
elif way == "tls":
    # what is done to the name of the API where traffic is redirected: it leads to the gateway
    real = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **more: real(
        "127.0.0.1" if host == "api.stripe.com" else host, *rest, **more
    )
    options["base_addresses"] = {"api": "https://api.stripe.com:" + port}

client = stripe.StripeClient("sk_test_none", max_network_retries=1, **options)


def outcome(params):
    try:
        intent = client.v1.payment_intents.create(params)
        return {"id": intent.id, "amount": intent.amount}
    except stripe.StripeError as error:
        return {
            "error": type(error).__name__,
            "type": error.error.type if error.error else None,
            "code": error.error.code if error.error else None,
            "status": error.http_status,
            "message": error.user_message,
        }


print(
    json.dumps(
        {
            "tooMuch": outcome({"amount": 5000000, "currency": "usd"}),
            "fine": outcome({"amount": 499900, "currency": "usd"}),
            "undeclared": outcome(
                {"amount": 100, "currency": "usd", "transfer_data": {"destination": "acct_1"}}
            ),
        }
    )
)
