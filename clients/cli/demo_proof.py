"""The end of a demo: the proof table, the broken invariants by name, and where to look."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from clients.cli.demo_world import DemoWorld, Evidence
from domain.orders import order_key, workflow_id
from domain.proof import Finding, prove

RULES = {
    "lost": "orders lost",
    "doubled": "orders, parcels or notices doubled",
    "oversold": "units oversold",
    "leaked": "units held for nobody",
    "stock": "units that do not add up",
    "money": "amounts that differ",
    "unexplained": "orders unexplained",
}


def print_proof(out: Console, world: DemoWorld, seconds: float) -> list[Finding]:
    """Compare our facts with the world's books, print the table, return what is broken."""
    evidence = world.evidence()
    findings = prove(evidence.orders, evidence.skus, evidence.books)
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
    _where_to_look(out, world, evidence)
    return findings


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
    books = evidence.books
    sold = [order for order in books["orders"].values() if order["messages_sent"]]
    done = [order for order in evidence.orders if order.status == "completed"]
    units = sum(sum(one["units"].values()) for one in books["warehouse"].values())
    ours = sum(order.total_minor for order in evidence.orders)
    signed = sum(1 for parcel in books["parcels"].values() if parcel["signed_at"])
    rows = [
        ("orders sent / stored", str(len(sold)), str(len(evidence.orders))),
        ("orders accepted", str(sum(order["accepted"] for order in sold)), str(len(evidence.orders))),
        ("orders completed", str(len(sold)), str(len(done))),
        ("parcels signed / booked", str(signed), str(sum(order.parcels for order in evidence.orders))),
        ("units sold", str(units), str(sum(sku.shipped for sku in evidence.skus))),
        ("units on hand", str(sum(books["on_hand"].values())), str(sum(sku.on_hand for sku in evidence.skus))),
        ("sum of the orders", _yuan(books["sum_minor"]), _yuan(ours)),
        ("raw messages kept", "", str(evidence.work.messages)),
    ]
    if books["file_sum_minor"] is not None:
        rows.insert(7, ("sum in the file", _yuan(books["file_sum_minor"]), _yuan(ours)))
    return rows


def _where_to_look(out: Console, world: DemoWorld, evidence: Evidence) -> None:
    urls = world.installation.run.urls
    if evidence.orders:
        no = evidence.orders[0].no
        link = f"{urls['temporal_ui']}/{workflow_id(order_key('own', 'demo', no))}"
        out.print(f"one order in the Temporal Web UI: {link}", highlight=False, soft_wrap=True)
        words = f"the same order in words: .venv/bin/oms --data {world.folder} order show {no}"
        out.print(words, highlight=False, soft_wrap=True)


def _yuan(minor: int) -> str:
    return f"{minor / 100:,.2f}"
