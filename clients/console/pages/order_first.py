"""The first line of an order's page: what it waits for, since when, until when, what next; and the buyer's sentence."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from clients.console.html import Child, age, badge, countdown, link, moment, money, tag
from clients.console.lists import status_badges
from clients.console.words import CARRIERS, FOR_BUYER, PARCELS, PAYMENTS, STATUSES, WAITS, said
from domain.waits import WaitFor
from store.reads.order_page import OrderPage

TEXTS = {
    "waits": "等{what}",
    "nothing": "没有在等的事：{why}",
    "stuck": "卡住：{why}",
    "held": "已暂停：{why}",
    "since": "已等 ",
    "since_at": "（从 ",
    "until": "期限 ",
    "next": "接下来：",
    "when_over": "；到时：",
    "no_until": "没有期限",
    "retry": "处理好原因后点“重试”，或取消订单",
    "decide": "请在下面选择：放行、暂停或取消",
    "release": "放行后继续",
    "mend": "与渠道核实后点“重试”",
    "copy": "复制给买家",
    "temporal": "在 Temporal 中查看流程 ↗",
    "retrying": "第 {n} 次尝试，上次失败：{why}",
    "placed": "下单 ",
    "soon": "会尽快发出",
    "promise": "预计 {at} 前发出",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Where and when somebody looks."""

    zone: ZoneInfo
    now: datetime


def first(page: OrderPage, viewer: Viewer, temporal: str, trying: str) -> Markup:
    """Draw it; `temporal` is the address of the workflow's page, `trying` what its step tries at this moment."""
    order = page.order
    words, tone = _headline(page, viewer.now)
    sentence = for_buyer(page, viewer)
    line: list[Child] = []
    if page.waiting and order.wait_since:
        line += [tag("span", TEXTS["since"], age(order.wait_since), TEXTS["since_at"], moment(order.wait_since), "）")]
    if page.waiting:
        until = order.due_at or order.wait_until
        line.append(
            tag("span", TEXTS["until"], countdown(until), " ", moment(until))
            if until
            else tag("span", TEXTS["no_until"])
        )
    line.append(tag("span", TEXTS["next"], _next(page)))
    return tag(
        "section",
        tag("p", words, class_="big", id="waits"),
        tag("div", line, class_="row"),
        tag("p", badge(trying, "warn")) if trying else None,
        tag(
            "div",
            tag("span", sentence, id="for-buyer"),
            tag("button", TEXTS["copy"], data_copy=sentence, id="copy"),
            class_="row buyer",
        ),
        tag(
            "div",
            _head(page),
            link(temporal, TEXTS["temporal"], target="_blank", rel="noopener") if temporal else None,
            class_="row faint",
        ),
        class_=f"card first {tone}",
    )


def for_buyer(page: OrderPage, viewer: Viewer) -> str:
    """Say in one sentence what a buyer may be told; a time that has passed is promised to nobody."""
    order = page.order
    what = page.waiting.wait.what if page.waiting else WaitFor.NOTHING
    until = order.ship_by or order.wait_until
    parcels = "、".join(
        f"{CARRIERS.get(one.carrier, one.carrier)} {one.waybill_no}（{PARCELS.get(one.state, one.state)}）"
        for one in page.parcels
    )
    promise = TEXTS["soon"]
    if until and until > viewer.now:
        promise = TEXTS["promise"].format(at=f"{until.astimezone(viewer.zone):%m 月 %d 日 %H:%M}")
    return FOR_BUYER[what].format(promise=promise, parcels=parcels, status=STATUSES.get(order.status, order.status))


def _headline(page: OrderPage, now: datetime) -> tuple[str, str]:
    order = page.order
    if order.stuck:
        held = order.stuck_reason.startswith("held: ")
        why = said(order.stuck_reason.removeprefix("held: "))
        return TEXTS["held" if held else "stuck"].format(why=why), "warn" if held else "bad"
    if page.waiting is None:
        return TEXTS["nothing"].format(why=STATUSES.get(order.status, order.status) + _why_closed(page)), ""
    late = order.due_at is not None and order.due_at <= now
    tone = "bad" if late else "warn" if order.late_stage else ""
    return TEXTS["waits"].format(what=WAITS[page.waiting.wait.what][0]), tone


def _why_closed(page: OrderPage) -> str:
    return f"（{said(page.order.close_reason)}）" if page.order.close_reason else ""


def _next(page: OrderPage) -> str:
    order = page.order
    if order.stuck:
        return TEXTS[_stuck_next(page)]
    if page.waiting is None:
        return "—"
    _, following, overdue = WAITS[page.waiting.wait.what]
    over = TEXTS["when_over"] + overdue if order.wait_until and overdue != following else ""
    return following + over


def _stuck_next(page: OrderPage) -> str:
    order = page.order
    if order.stuck_reason.startswith("held: "):
        return "release"
    if order.stuck_reason.startswith("to be reviewed"):
        return "decide"
    return "mend" if any(call.state == "refused" for call in page.calls) else "retry"


def _head(page: OrderPage) -> Markup:
    order = page.order
    return tag(
        "span",
        status_badges(order),
        f" {PAYMENTS.get(order.payment_status, order.payment_status)} {money(order.total_minor, order.currency)}"
        f" · {order.channel} / {order.shop} · ",
        TEXTS["placed"],
        moment(order.placed_at),
    )
