"""Cases as rows: what the queue, an order's page and a search show of one. HTML only; knows no page."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from markupsafe import Markup

from clients.console.case_words import ACTORS, KINDS, WAITS, state_words
from clients.console.html import Child, age, badge, countdown, link, money, order_url, tag
from domain.after_sales import ACTS_NEXT, CaseState
from store.reads.cases import CaseRow

HEADS = {
    "case": "售后单",
    "order": "订单",
    "kind": "类型",
    "state": "状态",
    "waits": "谁来做",
    "due": "期限",
    "goods": "商品",
    "reason": "原因",
    "money": "金额",
    "owner": "负责人",
}
SHORT = ("case", "kind", "state", "due", "money", "owner")
NOBODY = "无人"
NOT_DUE = "没有时限"
CLIMBED = "已上报 {n} 级"


def case_url(no: str) -> str:
    """Name the page of a case."""
    return f"/cases/{quote(no)}"


def case_table(
    rows: Iterable[CaseRow],
    reasons: Mapping[str, str],
    names: Iterable[str] = tuple(HEADS),
    more: Mapping[str, Child] | None = None,
) -> Markup:
    """Show cases, one per line, on a phone one per card; `more` is a last cell by number, its head empty."""
    heads = {name: HEADS[name] for name in names} | ({"act": ""} if more is not None else {})
    head = [tag("th", word, scope="col", class_="right" if name == "money" else None) for name, word in heads.items()]
    lines = [_line(_cells(row, reasons) | {"act": (more or {}).get(row.no)}, heads) for row in rows]
    shown = tag("table", tag("thead", tag("tr", head)), tag("tbody", lines), class_="cards queue")
    return tag("div", shown, class_="scroll")


def _line(cells: Mapping[str, Child], heads: Mapping[str, str]) -> Markup:
    """Draw one case; on a phone its number and its deadline stand in the first line."""
    return tag(
        "tr",
        [
            tag(
                "td",
                cells[name],
                data_label=word,
                class_=f"{name}{' right' if name == 'money' else ''}",
            )
            for name, word in heads.items()
        ],
    )


def state_badge(state: str, outcome: str = "") -> Markup:
    """Show a case's state: colour and a sign, never colour alone."""
    words, tone = state_words(state, outcome)
    return badge(words, tone, "—" if outcome and tone == "calm" else "")


def due_chip(row: CaseRow) -> Markup:
    """Show by when somebody must act; of a case that ended nothing."""
    if row.closed_at is not None:
        return tag("span", "—", class_="faint")
    return countdown(row.due_at) if row.due_at else tag("span", NOT_DUE, class_="faint")


def climbed(rung: int) -> Child:
    """Say how far up a case was told, when it was overdue."""
    return badge(CLIMBED.format(n=rung), "bad", "↑") if rung > 0 else None


def _cells(row: CaseRow, reasons: Mapping[str, str]) -> dict[str, Child]:
    goods = f"{row.title} 等 {row.units} 件" if (row.units or 0) > 1 else row.title or "—"
    amount = row.granted_minor or row.wanted_minor
    reason = reasons.get(row.reason, row.reason)
    return {
        "case": link(case_url(row.no), row.no, class_="open num", data_key=row.no),
        "order": link(order_url(row.order_key), row.order_key.split(":", 2)[-1], class_="num cut quiet"),
        "kind": KINDS.get(row.kind, row.kind),
        "state": state_badge(row.state, row.outcome),
        "waits": tag("span", _waits(row), class_="cut", title=WAITS.get(row.state, ("",))[0]),
        "due": [due_chip(row), " ", climbed(row.escalated) if row.closed_at is None else None],
        "goods": tag("span", goods, class_="cut", title=goods),
        "reason": tag("span", reason, class_="cut", title=reason),
        "money": money(amount, row.currency) if amount else "全额" if row.wanted_minor is None else "—",
        "owner": row.owner or tag("span", NOBODY, class_="faint"),
    }


def _waits(row: CaseRow) -> Markup:
    if row.closed_at is not None:
        return Markup("—")
    acts = ACTORS[ACTS_NEXT[CaseState(row.state)]]
    return tag("span", acts, tag("span", " · 已等 ", class_="faint"), age(row.step_since))
