"""The parts of an order's page: lines, money, parcels, warehouse, holds, story. Values in, HTML out."""

from collections.abc import Iterable

from markupsafe import Markup

from clients.console.html import Child, badge, countdown, empty, link, moment, money, section, table, tag, url
from clients.console.words import (
    ACTORS,
    ALERTS,
    CALL_STATES,
    CALLS,
    CARRIERS,
    CHOICES,
    FULFILLMENTS,
    HOLD_STATES,
    HOLDS,
    LEVELS,
    MESSAGE_STATES,
    PARCELS,
    STAGES,
    WAYS,
    action,
    said,
)
from store.opening import Receiver
from store.reads.order_page import Line, OrderPage, Parcel, Scan
from store.reads.timeline import Happened, Kind, timeline

TEXTS = {
    "lines": "商品",
    "dropped": "其中 {n} 件已退款，不再发货",
    "money": "金额",
    "goods": "商品金额",
    "shop_discount": "店铺优惠",
    "platform_discount": "平台优惠",
    "freight": "运费",
    "total": "应付",
    "paid": "已付",
    "refunded": "已退",
    "parcels": "包裹",
    "no_parcels": "还没有发货。",
    "no_scans": "还没有轨迹。",
    "warehouse": "仓库",
    "no_warehouse": "还没有分配仓库。",
    "holds": "占用的库存",
    "no_holds": "没有占用库存。",
    "calls": "外部调用",
    "no_calls": "没有外部调用。",
    "receiver": "收件人",
    "remark": "备注",
    "hidden": "渠道已加密",
    "story": "经过（新的在前）",
    "no_story": "还没有记录。",
    "message": "消息 {id}",
    "more": "全部轨迹",
    "by_hand": "流程",
    "expires": "{moment} 到期",
}
MOST_STORY = 120
DETAILS = {
    "reason": "",
    "words": "",
    "warehouse": "仓库 ",
    "fulfillment_no": "",
    "no": "",
    "waybill_no": "运单 ",
    "skus": "",
    "location": "",
    "choice": "",
    "case": "",
    "stage": "",
    "result": "",
    "exception": "异常单 ",
    "ticket": "工单 ",
}
"""Which details a line of the story shows, and what stands before them; the rest is in the message or the audit log."""
BAD = frozenset({"order.stuck", "order.too_late", "stock.short", "call.refused", "alert.raised", "order.contradiction"})


def lines(page: OrderPage) -> Markup:
    """Show what was bought."""
    currency = page.order.currency
    rows = [
        tag(
            "tr",
            tag(
                "td", tag("div", one.title, class_="wrap"), link(url(f"/stock/{one.sku}"), one.sku, class_="faint num")
            ),
            tag("td", str(one.quantity), _dropped(one), class_="right"),
            tag("td", money(one.unit_minor, currency), class_="right"),
            tag("td", money(one.amount_minor, currency), class_="right"),
        )
        for one in page.lines
    ]
    return section(TEXTS["lines"], table(["商品 / SKU", "件数", "单价", "小计"], rows, numbers=(1, 2, 3)))


def _dropped(one: Line) -> Child:
    return tag("div", TEXTS["dropped"].format(n=one.dropped), class_="faint") if one.dropped else None


def amounts(page: OrderPage) -> Markup:
    """Show the money, so that it adds up before the reader's eyes."""
    facts, order = page.facts, page.order
    rows = [
        ("goods", facts.goods_minor),
        ("shop_discount", -facts.shop_discount_minor),
        ("platform_discount", -facts.platform_discount_minor),
        ("freight", facts.freight_minor),
        ("total", order.total_minor),
        ("paid", facts.paid_minor),
        ("refunded", facts.refunded_minor),
    ]
    must = {"goods", "total", "paid"}
    shown = [
        (tag("dt", TEXTS[name]), tag("dd", money(minor, order.currency)))
        for name, minor in rows
        if minor or name in must
    ]
    return section(TEXTS["money"], tag("dl", [child for pair in shown for child in pair], class_="money"))


def receiver(found: Receiver | None, button: Child) -> Markup:
    """Show who gets it, masked until somebody asks."""
    if found is None:
        return section(TEXTS["receiver"], empty("—"))
    hidden = TEXTS["hidden"] if not (found.name or found.phone) else ""
    person = " ".join(filter(None, (found.name, found.phone))) or hidden
    where = " ".join(filter(None, (found.province, found.city, found.district, found.address)))
    pairs: list[Child] = [tag("dt", "姓名电话"), tag("dd", person, class_="num"), tag("dt", "地址"), tag("dd", where)]
    if found.remark:
        pairs += [tag("dt", TEXTS["remark"]), tag("dd", found.remark)]
    return section(TEXTS["receiver"], tag("dl", pairs), button)


def parcels(page: OrderPage) -> Markup:
    """Show each parcel with where it was last seen."""
    if not page.parcels:
        return section(TEXTS["parcels"], empty(TEXTS["no_parcels"]))
    return section(TEXTS["parcels"], [_parcel(one, page.scans) for one in page.parcels])


def _parcel(parcel: Parcel, scans: Iterable[Scan]) -> Markup:
    mine = [one for one in scans if one.waybill_no == parcel.waybill_no and one.carrier == parcel.carrier]
    tone = {"signed": "good", "problem": "bad", "returned": "bad"}.get(parcel.state, "calm")
    head = tag(
        "p",
        tag("strong", CARRIERS.get(parcel.carrier, parcel.carrier), " ", parcel.waybill_no, class_="num"),
        " ",
        badge(PARCELS.get(parcel.state, parcel.state), tone),
        " ",
        moment(parcel.signed_at or parcel.shipped_at),
    )
    if not mine:
        return tag("div", head, tag("p", TEXTS["no_scans"], class_="faint"))
    listed = [tag("li", moment(one.at), tag("span", one.location or one.raw_code)) for one in reversed(mine)]
    rest = tag("details", tag("summary", TEXTS["more"]), tag("ul", listed[1:], class_="story")) if listed[1:] else None
    return tag("div", head, tag("ul", listed[:1], class_="story"), rest)


def warehouse(page: OrderPage) -> Markup:
    """Show what each warehouse was asked to ship, and how far it is."""
    if not page.fulfillments:
        return section(TEXTS["warehouse"], empty(TEXTS["no_warehouse"]))
    rows = [
        tag(
            "tr",
            tag("td", one.no, class_="num"),
            tag("td", one.warehouse, " · ", CARRIERS.get(one.carrier, one.carrier)),
            tag(
                "td",
                FULFILLMENTS.get(one.state, one.state),
                f"（{STAGES.get(one.stage, one.stage)}）" if one.stage else "",
            ),
            tag("td", moment(one.shipped_at or one.cancelled_at or one.pushed_at or one.sent_at or one.created_at)),
        )
        for one in page.fulfillments
    ]
    return section(TEXTS["warehouse"], table(["履约单", "仓库", "进度", "时间"], rows))


def holds(page: OrderPage) -> Markup:
    """Show the units that are kept for this order."""
    if not page.held:
        return section(TEXTS["holds"], empty(TEXTS["no_holds"]))
    rows = [
        tag(
            "tr",
            tag("td", link(url(f"/stock/{one.sku}"), one.sku, class_="num")),
            tag("td", str(one.quantity), class_="right"),
            tag("td", HOLDS.get(one.kind, one.kind), f" · {one.warehouse}" if one.warehouse else ""),
            tag(
                "td",
                HOLD_STATES.get(one.state, one.state),
                " ",
                countdown(one.expires_at) if one.state == "open" else None,
            ),
        )
        for one in page.held
    ]
    return section(TEXTS["holds"], table(["SKU", "件数", "方式", "状态"], rows, numbers=(1,)))


def calls(page: OrderPage) -> Markup:
    """Show what we have to tell others, and whether they took it."""
    if not page.calls:
        return section(TEXTS["calls"], empty(TEXTS["no_calls"]))
    tones = {"refused": "bad", "done": "good"}
    rows = [
        tag(
            "tr",
            tag("td", CALLS.get(one.kind, one.kind), tag("div", f"{one.vendor} / {one.shop}", class_="faint")),
            tag("td", badge(CALL_STATES.get(one.state, one.state), tones.get(one.state, "calm"))),
            tag("td", said(one.reason) if one.reason else "—", class_="wrap"),
            tag("td", moment(one.done_at or one.next_at)),
        )
        for one in page.calls
    ]
    return section(TEXTS["calls"], table(["调用", "状态", "原因", "时间"], rows))


def story(page: OrderPage) -> Markup:
    """Tell the order's facts and its workflow's steps as one story, the newest first."""
    happened = list(reversed(timeline(page)))[:MOST_STORY]
    if not happened:
        return section(TEXTS["story"], empty(TEXTS["no_story"]))
    return section(TEXTS["story"], tag("ol", [_happened(one) for one in happened], class_="story"))


def _happened(one: Happened) -> Markup:
    words: list[Child] = [tag("strong", _title(one)), *(tag("span", " ", part) for part in _details(one))]
    if one.who:
        words.append(tag("span", " · ", ACTORS.get(one.who, one.who), class_="faint"))
    if one.inbox_id is not None:
        words += [" ", link(f"/inbox/{one.inbox_id}", TEXTS["message"].format(id=one.inbox_id), class_="num")]
    return tag("li", moment(one.at), tag("div", words, class_="wrap"), class_="bad" if one.title in BAD else None)


def _title(one: Happened) -> str:
    if one.kind is Kind.ALERT:
        word = LEVELS.get(str(one.detail.get("level")), ("", ""))[0]
        return f"{action(one.title)}（{word}）{ALERTS.get(str(one.detail.get('alert')), '')}"
    if one.kind is Kind.CALL:
        return f"{action(one.title)}：{CALLS.get(str(one.detail.get('call')), str(one.detail.get('call')))}"
    if one.kind is Kind.MESSAGE:
        return f"{action(one.title)}（{WAYS.get(str(one.detail.get('way')), '')}，{_state(one)}）"
    return action(one.title)


def _state(one: Happened) -> str:
    return MESSAGE_STATES.get(str(one.detail.get("state")), str(one.detail.get("state")))


def _details(one: Happened) -> Iterable[str]:
    for name, before in DETAILS.items():
        value = one.detail.get(name)
        if value and not (one.kind is Kind.STAGE and name == "stage"):
            words = "、".join(map(str, value)) if isinstance(value, list) else str(value)
            yield before + CHOICES.get(words, said(words))
