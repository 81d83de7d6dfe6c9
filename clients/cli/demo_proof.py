"""The end of a demo: the proof table, the broken invariants by name, and where to look."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from clients.cli.demo_cases import case_table
from clients.cli.demo_facts import Evidence
from clients.cli.demo_ledger import ledger_table, unproven
from clients.cli.demo_mischief import mischief_table, missing, planned_mischief
from clients.cli.demo_shops import OWN_WAYS
from clients.cli.demo_world import DemoWorld
from domain.orders import order_key, workflow_id
from domain.proof import Finding, OrderFact, order_of, prove
from domain.proof_cases import CaseFact, prove_cases, prove_red_letters, provider_paid

RULES = {
    "lost": "orders lost",
    "doubled": "orders, parcels or notices doubled",
    "oversold": "units oversold",
    "leaked": "units held for nobody",
    "stock": "units that do not add up",
    "money": "amounts that differ",
    "paid back": "closed orders not paid back once",
    "unexplained": "orders unexplained",
    "stock shown": "listings told another stock",
    "case money": "cases paid another sum",
    "red letters": "red letters that differ",
    "ledger": "shops whose platform has more orders",
}
PHASES = {
    "booked": "a message is stored, its facts are booked",
    "started": "an order is booked, its workflow runs",
    "told": "an event is due, the workflow has it",
    "pushed": "an order is planned, the warehouse has it",
    "shipped": "the warehouse has it, the parcel is booked",
    "written_back": "a parcel is booked, its shop knows",
    "completed": "from the first message to completed",
}


def print_proof(out: Console, world: DemoWorld, seconds: float) -> list[Finding]:
    """Compare our facts with the world's books, print the table, return what is broken."""
    evidence = world.evidence()
    findings = proven(evidence)
    table = Table(title=f"Proof after {seconds:.0f} s", title_justify="left")
    table.add_column("fact")
    table.add_column("outside world", justify="right")
    table.add_column("Steadfast", justify="right")
    for row in _rows(evidence):
        table.add_row(*row)
    table.add_section()
    for rule, words in RULES.items():
        n = sum(1 for finding in findings if finding.rule == rule)
        table.add_row(words, "", f"[{'red' if n else 'green'}]{n}[/]")
    out.print(table)
    mischief = planned_mischief(evidence, world.plan)
    if mischief:
        out.print(mischief_table(mischief, evidence))
    if evidence.standings:
        out.print(case_table(evidence.standings))
    out.print(_by_shop(evidence, world))
    out.print(ledger_table(evidence.ledger))
    out.print(_by_phase(evidence))
    _where_to_look(out, world, evidence)
    return findings + missing(mischief, evidence, world.plan)


def proven(evidence: Evidence) -> list[Finding]:
    """List every broken invariant: of the orders and units, the cases, the red letters, each platform's own list."""
    findings = prove(evidence.orders, evidence.skus, evidence.books, evidence.shown)
    findings += prove_cases(evidence.cases, evidence.books)
    findings += prove_red_letters(evidence.red_letters, evidence.books)
    return [*findings, *unproven(evidence.ledger)]


def verdict(out: Console, findings: list[Finding], seed: int, data: Path) -> int:
    """Name what is broken; the exit code."""
    for finding in findings[:20]:
        out.print(f"[red]{finding.rule}[/red] {finding.subject}: {finding.words}", highlight=False, soft_wrap=True)
    if findings:
        out.print(f"[red]{len(findings)} broken invariants[/red] with seed {seed}", highlight=False)
        return 1
    words = f"Look again: make up DATA={data}, then open the links, or .venv/bin/oms --data {data} order list"
    out.print(words, highlight=False, soft_wrap=True)
    return 0


def _rows(evidence: Evidence) -> list[tuple[str, str, str]]:
    books, orders = evidence.books, evidence.orders
    sold = [order for order in books["orders"].values() if order["messages_sent"]]
    units = sum(sum(one["units"].values()) for one in books["warehouse"].values())
    ours = sum(order.total_minor for order in orders)
    signed = sum(1 for parcel in books["parcels"].values() if parcel["signed_at"])
    rows = [
        ("orders sent / stored", str(len(sold)), str(len(evidence.sold))),
        ("orders with our receipt / here", str(sum(order["accepted"] for order in sold)), str(len(evidence.sold))),
        *_endings(evidence),
        ("parcels signed / booked", str(signed), str(sum(order.parcels for order in orders))),
        ("units sold", str(units), str(sum(sku.shipped for sku in evidence.skus))),
        ("units on hand", str(sum(books["on_hand"].values())), str(sum(sku.on_hand for sku in evidence.skus))),
        _shown(evidence),
        ("sum of the orders", _yuan(books["sum_minor"]), _yuan(ours)),
    ]
    if books["file_sum_minor"] is not None:
        rows.append(("sum in the file", _yuan(books["file_sum_minor"]), _yuan(ours)))
        net = sum(order.paid_minor - order.refunded_minor for order in orders)
        rows.append(("net in the file, refunds off", _yuan(books["file_net_minor"]), _yuan(net)))
    kept = ("messages kept, each once", "", str(evidence.work.messages))
    return [*rows, *_paid_back(evidence), *case_rows(evidence), kept, *_told(evidence)]


def case_rows(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Show the cases by who paid them, and the invoices that were turned red (FIN-7)."""
    theirs, books = evidence.books.get("cases", {}).values(), evidence.books
    ours = [one for one in evidence.cases if one.channel_case_no]
    paid = sum(one["amount_minor"] for one in theirs if one["paid"])
    provided = [one for one in evidence.cases if one.refund_no]
    back = sum(provider_paid(one, books) for one in provided)
    rows = [
        ("cases at the platforms / here", str(len(theirs)), str(len(ours))),
        ("  sum that platforms paid for them", _yuan(paid), _yuan(_paid(ours))),
        ("  sum that the provider paid for others", _yuan(back), _yuan(_paid(provided))),
    ]
    drafts = sum(one.drafted for one in evidence.red_letters)
    red = [("red letters drafted at Nuonuo / here", str(len(books.get("red_letters", {}))), str(drafts))]
    return (rows if theirs or provided else []) + (red if evidence.red_letters else [])


def _paid(cases: Iterable[CaseFact]) -> int:
    return sum(one.paid_minor for one in cases)


def _told(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Show what people were told by robots, SMS and mail; a robot hears twice what a kill -9 cut short (OPS-3)."""
    there = evidence.books.get("messages") or {}
    if not there:
        return []
    twice = len(there["twice"])
    rows = [("messages to people / sent", str(sum(there["counts"].values())), str(evidence.work.sent))]
    return [*rows, ("  of these heard twice", str(twice), "")] if twice else rows


def _shown(evidence: Evidence) -> tuple[str, str, str]:
    """Add up what shops were told last that they may sell, and what those that take it should show."""
    stock = [one["stock"].values() for one in evidence.books["shops"].values() if one["stock"]]
    told = sum(one["told"][-1][1] for listings in stock for one in listings if one["told"])
    due = sum(one.derived for one in evidence.shown if one.told is not None)
    return "units told to shops last / to be shown", str(told), str(due)


def _paid_back(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Show what the payment provider took, and what it gave back because we asked for it."""
    asked = [one for one in evidence.books.get("refunds", {}).values() if one["by"] == "merchant"]
    payouts, work = sum(one["payouts"] for one in asked), evidence.work
    minor = sum(one["payouts"] * one["amount_minor"] for one in asked)
    rows = [
        ("payments at the provider / notified", str(len(evidence.books.get("payments", {}))), str(work.payments)),
        ("refunds paid back by us, each once", str(payouts), str(work.refunds)),
        ("sum paid back by us", _yuan(minor), _yuan(work.paid_back_minor)),
    ]
    return rows if evidence.books.get("payments") else []


def _by_shop(evidence: Evidence, world: DemoWorld) -> Table:
    """Show shop by shop that each way in alone loses nothing, and that both together double nothing (INT-17)."""
    table = Table(title="By shop: orders there, here, lost, twice; kept pushes, pages, reads", box=None, pad_edge=False)
    for name in ("shop", "ways in", "there", "here", "lost", "twice", "push", "page", "read"):
        table.add_column(name, justify="left" if name in {"shop", "ways in"} else "right", no_wrap=True)
    ways = {"own/demo": OWN_WAYS} | {
        f"{one.shop.vendor}/{one.shop.code}": one.shop.ways for one in world.sides.accounts
    }
    for shop, how in ways.items():
        sold = evidence.books["orders"].items()
        theirs = {no for no, one in sold if f"{one['channel']}/{one['shop']}" == shop and one["messages_sent"]}
        ours = [order.no for order in evidence.sold if f"{order.channel}/{order.shop}" == shop]
        kept = evidence.messages.get(shop, {})
        figures = (len(theirs), len(set(ours)), len(theirs - set(ours)), len(ours) - len(set(ours)))
        counts = (kept.get("push", 0), kept.get("pull", 0), kept.get("reread", 0))
        if theirs or ours:
            table.add_row(shop, how, *(str(n) for n in (*figures, *counts)))
    return table


def _by_phase(evidence: Evidence) -> Table:
    """Show how long the orders took, phase by phase, outages and kills included."""
    table = Table(title="By phase, in seconds", box=None, pad_edge=False)
    for name in ("phase", "times", "half", "95 %", "longest"):
        table.add_column(name, justify="left" if name == "phase" else "right", no_wrap=True)
    for name, words in PHASES.items():
        if phase := evidence.phases.get(name):
            figures = (f"{phase.p50:.2f}", f"{phase.p95:.2f}", f"{phase.longest:.2f}")
            table.add_row(words, str(phase.n), *figures)
    return table


def _endings(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Count how the orders ended: what the buyers and the warehouse did, and what we made of it."""
    books, told = evidence.books, {key.rsplit(":", 1)[-1] for key in evidence.told}
    shipped = {order_of(code) for code, one in books["warehouse"].items() if one["shipments"]}
    ended = Counter(_ending(order, told, books["orders"].get(order.no, {})) for order in evidence.sold)
    ours = {one["order_no"] for one in books.get("refunds", {}).values() if one["by"] == "merchant"}
    closed = {order_key(one.channel, one.shop, one.no) for one in evidence.sold if one.status == "closed"}
    stopped = {one.order_key.rsplit(":", 1)[-1] for one in evidence.standings if one.order_key in closed}
    theirs = Counter(
        "shipped"
        if no in shipped
        else "no stock"
        if no in told
        else "refunded"
        if no in stopped
        else "paid"
        if no in ours
        else sold["status"]
        for no, sold in books["orders"].items()
        if sold["messages_sent"]
    )
    off = theirs["cancelled"] + theirs["refunded"]
    late = sum(1 for no in shipped if books["orders"].get(no, {}).get("status") == "refunded")
    rows = [
        ("orders shipped / completed", theirs["shipped"], ended["completed"]),
        ("  of these refunded too late", late, ended["too late"]),
        ("orders called off / closed", off, ended["called off"]),
        ("orders never paid / expired", theirs["unpaid"], ended["unpaid"]),
        ('orders told "no stock"', "", ended["no stock"]),
        ("orders paid too late / to pay back", theirs["paid"], ended["pay back"]),
        ("orders that wait for a person", "", ended["open"]),
    ]
    rows[0] = (rows[0][0], theirs["shipped"], ended["completed"] + ended["too late"])
    return [(words, str(there), str(here)) for words, there, here in rows if there or here]


def _ending(order: OrderFact, told: set[str], sold: dict[str, Any]) -> str:
    if order.status == "completed":
        return "too late" if sold.get("status") == "refunded" else "completed"
    if order.status != "closed":
        return "open"
    if order.no in told:
        return "no stock"
    if order.close_reason != "unpaid" or sold.get("status") == "cancelled":
        return "called off"  # a platform closes what nobody pays; whose clock is first does not matter
    return "pay back" if order.paid_minor else "unpaid"


def _where_to_look(out: Console, world: DemoWorld, evidence: Evidence) -> None:
    urls = world.installation.run.urls
    if evidence.orders:
        order = evidence.orders[0]
        no = order.no
        link = f"{urls['temporal_ui']}/{workflow_id(order_key(order.channel, order.shop, no))}"
        out.print(f"one order in the Temporal Web UI: {link}", highlight=False, soft_wrap=True)
        words = f"the same order in words: .venv/bin/oms --data {world.folder} order show {no}"
        out.print(words, highlight=False, soft_wrap=True)


def _yuan(minor: int) -> str:
    return f"{minor / 100:,.2f}"
