"""Lines of the stock ledger as rows: when, why, how much of what, where, and a link to what caused it."""

import re
from collections.abc import Sequence

from markupsafe import Markup

from clients.console.html import Child, link, moment, order_url, table, tag, url
from clients.console.stock_frame import cards, pool_url
from clients.console.stock_words import REASONS
from store.numbers import INBOUND, TRANSFER
from store.reads.stock_ledger import LedgerLine, Story

COUNTERS = {
    "on_hand": "在库",
    "allocated": "已分配",
    "reserved": "预占",
    "pooled": "渠道池",
    "defective": "残次",
    "quarantine": "待检",
}
TEXTS = {
    "at": "时间",
    "why": "原因",
    "where": "在哪里",
    "ref": "起因",
    "change": "变化",
    "pool": "渠道池 {pool}",
}
OF_SHIPMENTS = ("ship:", "extra:")
SHEETS = {TRANSFER: "/stock/transfers/", INBOUND: "/stock/inbound/"}
"""Where the page of a number of ours is, by its series."""
OUR_NUMBER = re.compile(r"([A-Z]{2})\d{10,}")
OF_FULFILMENT = frozenset({"allocated", "recalled"})


def ledger(lines: Sequence[LedgerLine]) -> Markup:
    """Show lines of one SKU with a column per counter; on a phone one per card."""
    shown = [name for name in COUNTERS if any(getattr(line, name) for line in lines)]
    heads = {"at": TEXTS["at"], "because": TEXTS["why"], **{name: COUNTERS[name] for name in shown}}
    heads |= {"where": TEXTS["where"], "ref": TEXTS["ref"]}
    return cards(heads, [_cells(line, shown) for line in lines], right=shown)


def _cells(line: LedgerLine, shown: Sequence[str]) -> dict[str, Child]:
    numbers: dict[str, Child] = {name: signed(getattr(line, name)) for name in shown}
    start: dict[str, Child] = {"at": moment(line.at), "because": REASONS.get(line.reason, line.reason)}
    return start | numbers | {"where": where(line), "ref": cause(line)}


def story(one: Story, whys: dict[int, str]) -> Markup:
    """Tell what became of one SKU's units of an order, oldest first; `whys` says more of some lines, by their id."""
    rows = [
        tag(
            "tr",
            tag("td", moment(line.at)),
            tag("td", REASONS.get(line.reason, line.reason), tag("div", whys[line.id], class_="faint wrap"))
            if whys.get(line.id)
            else tag("td", REASONS.get(line.reason, line.reason)),
            tag("td", changes(line), class_="num"),
            tag("td", where(line)),
        )
        for line in one.lines
    ]
    return table([TEXTS["at"], TEXTS["why"], TEXTS["change"], TEXTS["where"]], rows)


def changes(line: LedgerLine) -> str:
    """Say how much of what changed."""
    found = ((word, getattr(line, name)) for name, word in COUNTERS.items())
    return "，".join(f"{word} {n:+d}".replace("-", "−") for word, n in found if n)


def signed(n: int) -> Child:
    """Write a change with its sign; nothing where nothing changed."""
    return f"{n:+d}".replace("-", "−") if n else None


def where(line: LedgerLine) -> list[Child]:
    """Name the warehouse and the pool."""
    pool = link(pool_url(line.pool), TEXTS["pool"].format(pool=line.pool)) if line.pool else None
    return [line.warehouse or None, " " if line.warehouse and pool else None, pool]


def cause(line: LedgerLine) -> Child:
    """Link to what caused a line: an order, a fulfilment order or shipment (found by search), a pool, a transfer."""
    ref = line.ref
    if ref.startswith(OF_SHIPMENTS):
        no = ref.split(":")[1]
        return link(url("/search", q=no), no, class_="num cut", title=ref)
    if ref.startswith("pool:"):
        return link(pool_url(ref.removeprefix("pool:")), ref.removeprefix("pool:"), class_="num cut")
    sheet = OUR_NUMBER.fullmatch(ref)
    if sheet and sheet[1] in SHEETS:
        return link(SHEETS[sheet[1]] + ref, ref, class_="num cut")
    if line.reason in OF_FULFILMENT:
        return link(url("/search", q=ref), ref, class_="num cut", title=ref)
    if ref.count(":") >= 2 and not ref.startswith(("set:", "regrade:")):
        return link(order_url(ref), ref.split(":", 2)[2], class_="num cut", title=ref)
    return tag("span", ref, class_="faint num cut", title=ref)
