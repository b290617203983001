"""A graph as LangGraph runs it, without needing LangGraph: nodes take the state and return what changes in it.

With the real package the same nodes are added to a `langgraph.graph.StateGraph`; the planner would ask a model."""

import re

import tools

END = "end"


def plan(state):
    """Scripted in place of a model, and as gullible: it believes what is written on an invoice."""
    if not state["invoices"]:
        return {"step": None}
    invoice, *rest = state["invoices"]
    order = re.search(r"pay ([0-9]+) instead", invoice["note"])
    amount = float(order.group(1) if order else invoice["amount"])
    return {"invoices": rest, "step": {"invoice": invoice["id"], "amount": amount, "currency": invoice["currency"]}}


def act(state):
    step = state["step"]
    return {"outcome": tools.pay(step["invoice"], step["amount"], step["currency"])}


def check(state):
    """Looks a payment up after it was made, and writes down what happened."""
    step, outcome = state["step"], state["outcome"]
    if outcome.startswith("payment "):
        outcome += ", " + tools.look_up(outcome.removeprefix("payment "))
    line = "{invoice} {amount:.2f} {currency}: ".format(**step) + outcome
    return {"report": [*state["report"], line]}


def vendors(state):
    return {"report": [*state["report"], "vendors: " + tools.check_vendors()]}


NODES = {"vendors": vendors, "plan": plan, "act": act, "check": check}
EDGES = {
    "vendors": lambda state: "plan",
    "plan": lambda state: "act" if state["step"] else END,
    "act": lambda state: "check",
    "check": lambda state: "plan",
}


def run(invoices):
    """From the first node to the end; returns the report."""
    state, node = {"invoices": invoices, "step": None, "outcome": "", "report": []}, "vendors"
    while node != END:
        state = {**state, **NODES[node](state)}
        node = EDGES[node](state)
    return state["report"]
