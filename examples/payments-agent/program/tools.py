"""What the agent can do. Ordinary functions around ordinary clients: nothing here knows of Aegis."""

import os
import urllib.error
import urllib.request

import stripe

# Stripe's package trusts a list of authorities of its own and reads none of the usual variables, so it has to be told
# which one to use. Most clients (requests, httpx, urllib, curl, Node) read SSL_CERT_FILE or its like by themselves.
stripe.ca_bundle_path = os.environ.get("SSL_CERT_FILE") or stripe.ca_bundle_path
stripe.enable_telemetry = False

VENDORS = os.environ.get("VENDOR_LIST_URL", "https://example.com/")


def _stripe():
    return stripe.StripeClient(os.environ.get("STRIPE_API_KEY", "sk_test_none"), max_network_retries=0)


def pay(invoice, amount, currency):
    """Pays an invoice; `amount` in units of the currency. Returns what became of it, as one line."""
    try:
        intent = _stripe().v1.payment_intents.create(
            {
                "amount": round(amount * 100),
                "currency": currency,
                "description": "Invoice " + invoice,
                "metadata": {"invoice": invoice},
            }
        )
        return "payment " + intent.id
    except stripe.StripeError as error:
        return "no payment: " + (error.user_message or str(error)).splitlines()[0]


def look_up(payment):
    """The state of a payment."""
    try:
        return _stripe().v1.payment_intents.retrieve(payment).status
    except stripe.StripeError as error:
        return "unknown: " + (error.user_message or str(error)).splitlines()[0]


def check_vendors():
    """Fetches the list of vendors from somewhere that nobody has told the security team about."""
    try:
        with urllib.request.urlopen(VENDORS, timeout=10) as answer:
            return "list read, " + str(answer.status)
    except urllib.error.HTTPError as error:
        return "list not read, " + str(error.code)
    except OSError as error:
        return "list not read, " + type(error).__name__
