"""/stock/approvals: what waits for a second person, the longest first, with its evidence and one press to act."""

from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.approving import Approving
from clients.console.count_words import APPROVAL_KINDS, APPROVALS, GRADES
from clients.console.forms import cards, facts, with_orders
from clients.console.frame import Desk, Frame, Handler, framed, not_allowed, page_at
from clients.console.html import Child, age, badge, body, countdown, empty, link, moment, tag
from clients.console.lists import tabs
from clients.console.pages.counts import count_url
from clients.console.patience import patiently
from clients.console.stock_frame import sku_url
from clients.console.stock_nav import sections, supply_only
from clients.console.words import said
from clients.settings import ClientSettings
from domain.approvals import ApprovalState, Verdict, refuse_verdict
from domain.counting import Grade
from domain.errors import Refused
from domain.permissions import Action
from store import approvals, settings_docs
from store.reads.approvals import ApprovalReads
from store.replay import By

PATH = "/stock/approvals"
MOST = 100
MOST_REASON = 200

TEXTS = {
    "title": "审批",
    "open": "等待审批",
    "decided": "已决定",
    "tabs": "审批分组",
    "nothing": "没有等待审批的事。",
    "nothing_next": "盘点的大差异和大批调拨会自动出现在这里。",
    "never": "还没有决定过。",
    "asked": "{who} 申请，已等",
    "due": "期限",
    "approve": "通过",
    "refuse": "拒绝",
    "reason": "拒绝的原因，不写个人信息",
    "done": "{no}：{outcome}。",
    "away": "流程引擎没有应答，恢复后再审批",
    "adjustment": "{sku}（{grade}）在 {warehouse}：{units:+d} 件",
    "transfer": "调拨 {units} 件：{ways}",
    "evidence": "盘点 {count}：我方 {ours}，仓库 {theirs}",
    "effect": "在库 {units:+d} 件；如果会让已承诺的订单缺货，就不入账，并列出这些订单。",
    "effect_transfer": "马上占用调出地的库存，不能再卖。",
    "basis": "依据",
    "then": "通过后",
    "details": "调拨明细",
}
COLUMNS = {
    "no": "编号", "kind": "种类", "what": "内容", "state": "结果", "by": "审批人", "at": "时间", "reason": "原因",
    "outcome": "结果说明",
}  # fmt: skip


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(PATH)
    async def waiting(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), ApprovalReads(desk.database)
    decided, profile = request.query_params.get("all") == "1", ClientSettings().profile
    acts = ApprovalActs(frame, Approving(desk.database, desk.engine.client, desk.clock, profile))

    async def read() -> Markup:
        waiting = await reads.count()
        items: list[tuple[str, str, object, bool]] = [
            (TEXTS["open"], PATH, waiting, not decided),
            (TEXTS["decided"], f"{PATH}?all=1", None, decided),
        ]
        head = [sections(frame, PATH), tag("h1", TEXTS["title"]), tabs(items, TEXTS["tabs"])]
        return body(head, await (_decided(reads) if decided else _waiting(desk, reads, acts)))

    await frame.show(supply_only(frame, read))


async def _waiting(desk: Desk, reads: ApprovalReads, acts: "ApprovalActs") -> Markup:
    rows = await reads.waiting(MOST)
    async with desk.database.transaction() as tx:
        waits = (await settings_docs.timing(tx, ClientSettings().profile)).approval
    if not rows:
        return empty(TEXTS["nothing"], TEXTS["nothing_next"])
    late = timedelta(seconds=waits.escalate_seconds)
    return Markup().join(_card(row, late, acts) for row in rows)


async def _decided(reads: ApprovalReads) -> Markup:
    rows = await reads.decided(MOST)
    return cards(COLUMNS, [_cells(row) for row in rows]) if rows else empty(TEXTS["never"])


def _cells(row: Any) -> dict[str, Child]:
    words, tone = APPROVALS[ApprovalState(row.state)]
    return {
        "no": tag("span", row.no, class_="num"),
        "kind": APPROVAL_KINDS.get(row.kind, row.kind),
        "what": _what(row),
        "state": badge(words, tone),
        "by": said(row.decided_by),
        "at": moment(row.decided_at),
        "reason": tag("span", said(row.reason), class_="wrap"),
        "outcome": tag("span", with_orders(row.outcome), class_="wrap"),
    }


def _what(row: Any) -> str:
    """Say in one line what is asked for."""
    if row.sku is not None:
        grade = GRADES[Grade(row.grade)]
        return TEXTS["adjustment"].format(sku=row.sku, grade=grade, warehouse=row.warehouse, units=row.units)
    if row.ways is not None:
        return TEXTS["transfer"].format(units=row.moved, ways=row.ways)
    return said(row.words)


def _evidence(row: Any) -> Markup:
    """Show what the one who decides has to know."""
    if row.sku is not None:
        counted = TEXTS["evidence"].format(count=row.count_no, ours=row.ours, theirs=row.theirs)
        basis = [link(count_url(row.count_no), counted), " · ", link(sku_url(row.sku), row.sku, class_="num")]
        return facts({
            TEXTS["basis"]: basis,
            TEXTS["then"]: TEXTS["effect"].format(units=row.units),
        })  # fmt: skip
    if row.ways is not None:
        return facts({
            TEXTS["basis"]: link(f"/stock/transfers/{row.subject}", f"{TEXTS['details']} {row.subject}", class_="num"),
            TEXTS["then"]: TEXTS["effect_transfer"],
        })  # fmt: skip
    return facts({TEXTS["basis"]: row.subject})


def _card(row: Any, late: timedelta, acts: "ApprovalActs") -> Markup:
    kind = badge(APPROVAL_KINDS.get(row.kind, row.kind), "calm")
    asked = tag("span", TEXTS["asked"].format(who=said(row.asked_by)), " ", age(row.asked_at), class_="faint")
    head = tag("p", kind, tag("span", row.no, class_="num faint"), asked, countdown(row.asked_at + late), class_="row")
    what = tag("h2", _what(row), class_="big")
    return tag("section", head, what, _evidence(row), acts.buttons(row), class_="card first", id=f"approval-{row.no}")


@dataclass
class ApprovalActs:
    """Approving and refusing on one open page; each approval has a nonce of its own."""

    frame: Frame
    approving: Approving
    _nonces: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, approve in (("approve", True), ("refuse", False)):
            self.frame.on(name, Action.DECIDE_APPROVAL, self._press(approve))

    def buttons(self, row: Any) -> Markup:
        """Draw what somebody may press; whoever may not is told why."""
        why = self._why_not(row)
        entry = tag(
            "input", name="reason", required=True, maxlength=MOST_REASON, placeholder=TEXTS["reason"], data_keep=True,
            id=f"reason-{row.no}", aria_label=TEXTS["reason"], disabled=bool(why), class_="long",
        )  # fmt: skip
        refuse = tag("button", TEXTS["refuse"], type="submit", class_="danger", disabled=bool(why))
        known = tag("input", type="hidden", name="no", value=row.no)
        approve = tag(
            "button", TEXTS["approve"], class_="primary", data_act="approve", data_no=row.no, id=f"approve-{row.no}",
            disabled=bool(why), data_off=bool(why),
        )  # fmt: skip
        form = tag("form", known, entry, refuse, data_act="refuse")
        words = tag("p", why, class_="faint why") if why else None
        return tag("div", words, tag("div", approve, form, class_="decide"), class_="below")

    def _why_not(self, row: Any) -> str:
        if not self.frame.may(Action.DECIDE_APPROVAL):
            return not_allowed(Action.DECIDE_APPROVAL)
        try:
            refuse_verdict(Verdict(self.frame.session.login, True), row.asked_by, ApprovalState(row.state))
        except ValueError as reason:
            return said(str(reason))
        return "" if self.frame.desk.watch.news.engine else TEXTS["away"]

    def _press(self, approve: bool) -> Handler:
        async def press(given: dict[str, str], by: By) -> str:
            no, reason = given.get("no", ""), given.get("reason", "").strip()[:MOST_REASON]
            verdict = Verdict(by.actor, approve, reason)
            nonce = self._nonces.setdefault(no, token_hex(8))

            async def send() -> str:
                try:
                    outcome = await self.approving.decide(no, verdict, nonce)
                except Refused:
                    outcome = await self._ours(no, verdict)
                    if not outcome:
                        raise
                return TEXTS["done"].format(no=no, outcome=said(outcome))

            return await patiently(self.frame, send, f"approval {no}")

        return press

    async def _ours(self, no: str, verdict: Verdict) -> str:
        """Give what came of this very verdict when it was booked and only its answer was lost; else empty."""
        async with self.frame.desk.database.transaction() as tx:
            row = await approvals.find(tx, no)
        state = ApprovalState.APPROVED if verdict.approve else ApprovalState.REFUSED
        return str(row.outcome) if row and (row.decided_by, row.state) == (verdict.actor, state) else ""
