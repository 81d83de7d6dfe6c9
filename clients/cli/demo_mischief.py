"""What was done to us: each planned mischief with how often it happened, from the books of those who did it.

A demo must not claim a bad day that it did not have: what was planned and never happened is a finding, as a lost order
is. Owns the list and its words; the doses are in demo_profile.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from clients.cli.demo_facts import DemoPlan, Evidence
from clients.cli.demo_kills import KILLS
from clients.cli.demo_profile import FATES_FROM
from domain.proof import Finding

Books = Mapping[str, Any]
SURE_FROM = 200
"""From so many orders on, what is rare or has several conditions is sure to happen too."""
LEAST_SHARE = 0.05
"""At least so many of the webhooks are repeated, and as many reordered."""
PHASES = {
    "UNPAID": "before paying",
    "PAID": "after paying",
    "ACCEPT": "when the warehouse had it",
    "PRINT": "when its label was printed",
    "PICK": "when it was picked",
    "CHECK": "when it was checked",
    "PACKAGE": "when it was packed",
    "SHIPPED": "when it had left",
}


@dataclass(frozen=True, slots=True)
class Mischief:
    """One thing that was to be done to us; `then` says what came of it.

    It is sure to have happened from `sure_from` orders on; `share_of_webhooks` asks for LEAST_SHARE of them then.
    """

    words: str
    times: int
    then: str = ""
    sure_from: int = FATES_FROM
    share_of_webhooks: bool = False


def planned_mischief(evidence: Evidence, plan: DemoPlan) -> list[Mischief]:
    """List what was planned for a run, as it came; nothing for a calm one."""
    if plan.calm:
        return []
    done = [*_messages(evidence), *_calls(evidence), *_silences(evidence), *_kills(evidence)]
    return done if plan.file else [*done, *_changed_key(evidence), *_stock(evidence), *_ends(evidence)]


def missing(mischief: list[Mischief], evidence: Evidence, plan: DemoPlan) -> list[Finding]:
    """Find what was planned, should have happened among so many orders, and did not, or too rarely."""
    webhooks = evidence.books["webhooks"]
    findings = []
    for one in mischief:
        share = LEAST_SHARE if one.share_of_webhooks and plan.orders >= SURE_FROM else 0.0
        least = max(1, round(webhooks * share))
        if plan.orders >= one.sure_from and one.times < least:
            words = f"it happened {one.times} times, at least {least} were planned: this was no such bad day"
            findings.append(Finding("mischief", one.words.strip(), words))
    return findings


def mischief_table(mischief: list[Mischief], evidence: Evidence) -> Table:
    """Show what was done to us, how often, and what came of it."""
    table = Table(title="What was done to us", box=None, pad_edge=False, title_justify="left")
    for name in ("mischief", "times", "and then"):
        table.add_column(name, justify="right" if name == "times" else "left", no_wrap=name != "and then")
    for one in mischief:
        of = f"{one.times / max(1, evidence.books['webhooks']):.0%} of all webhooks" if one.share_of_webhooks else ""
        table.add_row(one.words, str(one.times), "; ".join(words for words in (of, one.then) if words))
    return table


def count(faults: Mapping[str, int], *ends: str) -> int:
    """Add up the faults of all vendors whose names end so."""
    return sum(n for name, n in faults.items() if name.endswith(ends))


def _messages(evidence: Evidence) -> list[Mischief]:
    faults = evidence.books["faults"]
    return [
        Mischief("webhooks sent two or three times", faults.get("sent_repeatedly", 0), share_of_webhooks=True),
        Mischief("webhooks overtaken by the next one", faults.get("reordered", 0), share_of_webhooks=True),
        Mischief("webhooks sent again for want of an answer", faults.get("retried", 0), "", SURE_FROM),
    ]


def _calls(evidence: Evidence) -> list[Mischief]:
    """Show how the vendors treated our calls."""
    books, faults = evidence.books, evidence.books["faults"]
    limited = sum(shop["limited"] for shop in books["shops"].values())
    hour, done = faults.get("wms_outage_calls", 0), count(faults, "_done_unanswered")
    lost = count(faults, "_lost_answer")
    return [
        Mischief("429: calls over a platform's limit", limited, "asked again later", SURE_FROM),
        Mischief(
            "429: calls over the warehouse system's limit", faults.get("wms_limited", 0), "asked again later", SURE_FROM
        ),
        Mischief("calls that broke with a 503", count(faults, "_error") - hour, "made again", SURE_FROM),
        Mischief("calls never answered, until we gave up", count(faults, "_unanswered"), "made again"),
        Mischief("  of these carried out all the same", done, "taken once"),
        Mischief("calls carried out, their answer lost", lost, "repeated, taken once", SURE_FROM),
        Mischief("calls into the warehouse system's hour of outage", hour, "waited, none lost"),
    ]


def _silences(evidence: Evidence) -> list[Mischief]:
    """Show the callbacks that never came, and how many answers came to our own questions instead."""
    faults, kept = evidence.books["faults"], evidence.messages
    payments = kept.get("wechatpay/pay", {})
    rows = [
        ("confirms of the warehouse that never came", "confirms_lost", kept.get("qimen/wms", {}).get("query", 0)),
        ("signatures that the courier never pushed", "signatures_lost", kept.get("kdniao/express", {}).get("query", 0)),
        ("notices of payment that never came", "payment_notices_lost", payments.get("payment", 0)),
    ]
    return [
        Mischief(words, faults.get(name, 0), f"{asked} answers to queries", SURE_FROM)
        for words, name, asked in rows
        if name != "payment_notices_lost" or evidence.books.get("payments")
    ]


def _kills(evidence: Evidence) -> list[Mischief]:
    names = dict.fromkeys(name for _, name in KILLS)
    return [Mischief(f"kill -9 of {name}", evidence.kills.count(name), "started again", 1) for name in names]


def _changed_key(evidence: Evidence) -> list[Mischief]:
    let_in = f"{evidence.replayed} let in after the mend"
    return [Mischief("messages refused after a change of key", evidence.books["faults"].get("shop_refused", 0), let_in)]


def _stock(evidence: Evidence) -> list[Mischief]:
    stock, told = evidence.stock, len(evidence.told)
    supplies = evidence.books.get("supplies", [])
    arrived = sum(1 for one in supplies if one["arrived"])
    return [
        Mischief("orders for goods that had run out", max(stock.failed, told), f'{told} told "no stock"'),
        Mischief("sales stopped by the oversell breaker", stock.stopped, f"{stock.resumed} went on", SURE_FROM),
        Mischief("sales that went on after a replenishment", stock.resumed, "", SURE_FROM),
        Mischief("shops that could not be told their stock", stock.caught_up, "caught up by themselves", SURE_FROM),
        Mischief("suppliers of presale goods", len(supplies), f"{arrived} came, one of them late", SURE_FROM),
    ]


def _ends(evidence: Evidence) -> list[Mischief]:
    """Show in which phases buyers called their orders off, and what went back to them."""
    sold = evidence.books["orders"].values()
    back = sum(one["payouts"] for one in evidence.books["refunds"].values() if one["by"] == "merchant")
    phases = [
        Mischief(f"orders called off {words}", sum(one["ended_at"] == phase for one in sold), "", SURE_FROM)
        for phase, words in PHASES.items()
    ]
    return [*phases, Mischief("refunds through WeChat Pay that fell to us", back, "paid back, each once", SURE_FROM)]
