"""What became of the units that an order held, SKU by SKU: held, allocated, shipped or released, and why (INV-3)."""

from collections.abc import Sequence

from markupsafe import Markup

from clients.console.html import empty, link, section, tag
from clients.console.ledger_lines import story
from clients.console.stock_frame import sku_url
from clients.console.words import ACTORS, action, said
from store.reads.order_page import Entry, OrderPage
from store.reads.stock_ledger import LedgerLine, Story

TEXTS = {
    "title": "库存的经过",
    "none": "没有占用过库存。",
    "now": "现在：预占 {reserved}，已分配 {allocated}，已发 {shipped}",
    "closed": "订单已关闭：{why}",
}
GIVEN_BACK = frozenset({"released", "expired", "recalled", "by hand"})
TOLD = ("stock.released", "stock.swept", "order.closed", "fulfillment.cancelled", "order.cancelled")
"""Which entry of the audit log says why units were given back at its moment, the plainest first."""


def stock_story(page: OrderPage, stories: Sequence[Story]) -> Markup:
    """Tell the story of every SKU that the order held."""
    if not stories:
        return section(TEXTS["title"], empty(TEXTS["none"]), id="stock-story")
    return section(TEXTS["title"], [_one(page, one) for one in stories], id="stock-story")


def _one(page: OrderPage, one: Story) -> Markup:
    now = TEXTS["now"].format(reserved=one.reserved, allocated=one.allocated, shipped=one.shipped)
    head = tag("p", link(sku_url(one.sku), one.sku, class_="num"), " · ", tag("span", now, class_="faint num"))
    whys = {line.id: _why(page, line) for line in one.lines if line.reason in GIVEN_BACK}
    return tag("div", head, story(one, whys))


def _why(page: OrderPage, line: LedgerLine) -> str:
    """Say why units were given back: who did it at that moment, or why the order was closed."""
    told = [entry for name in TOLD for entry in page.entries if entry.action == name and entry.at == line.at]
    if told:
        return _said(told[0])
    return TEXTS["closed"].format(why=said(page.order.close_reason)) if page.order.close_reason else ""


def _said(entry: Entry) -> str:
    reason = str(entry.detail.get("reason") or "")
    who = ACTORS.get(entry.actor, entry.actor)
    return "，".join(filter(None, (action(entry.action), said(reason) if reason else "", who)))
