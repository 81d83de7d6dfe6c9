"""The parts of a case's page: first line, money line by line, verdict, goods, photos, story. Values in, HTML out."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from markupsafe import Markup

from clients.console.case_lists import climbed, state_badge
from clients.console.case_words import (
    ACTORS,
    CHOICES,
    FAULTS,
    GRADES,
    KINDS,
    ORIGINS,
    OUTCOMES,
    PAYOUTS,
    PHASES,
    PHOTOS,
    PROVIDERS,
    STATES,
    WAITS,
    WAYS,
    WHO,
    differs_words,
    state_words,
)
from clients.console.forms import facts
from clients.console.html import (
    Child,
    age,
    badge,
    countdown,
    empty,
    link,
    moment,
    money,
    order_url,
    section,
    table,
    tag,
)
from clients.console.return_words import READINGS
from clients.console.words import CARRIERS, PARCELS, action, said
from domain.after_sales import ACTS_NEXT, SHIPS_AGAIN, CaseKind, CaseState, Outcome
from store.reads.case_page import CasePage, CasePicture, Step
from store.reads.order_page import Entry

TEXTS = {
    "since": "已等 ",
    "since_at": "（从 ",
    "acts": "由{who}处理",
    "until": "期限 ",
    "no_until": "没有期限",
    "next": "接下来：",
    "when_over": "；到时：",
    "ended": "已结束：{how}",
    "failed": "打款失败：{why}",
    "by_hand": "等财务人工打款",
    "differs": "等客服决定：收到的与申请不符（{what}）",
    "owner": "负责人 ",
    "nobody": "无人",
    "money": "金额怎么算",
    "paid": "买家实付",
    "freight_in": "其中运费",
    "earlier": "其他售后已退或在退",
    "cap": "这张订单还可退",
    "sum": "合计",
    "freight": "运费",
    "of_line": "{title}：实付分摊 {share}，{units} / {bought} 件",
    "wanted": "申请金额",
    "all": "全部可退",
    "approved": "审核金额",
    "due": "同意后退款",
    "expected": "预计退款（以实收为准）",
    "granted": "核准退款",
    "no_money": "这类售后不退款，寄出商品。",
    "again": "补发订单 ",
    "grant": "核准：",
    "payout": "打款：",
    "no_grant": "还没有核准。",
    "no_payout": "还没有打款。",
    "reference": "流水号 ",
    "verdict": "规则判定",
    "no_verdict": "还没有判定。",
    "rule": "第 {version} 版第 {row} 行“{name}”",
    "before": "进入规则表之前",
    "about": "售后单",
    "goods": "商品",
    "back": "退回的商品",
    "no_back": "还没有收到。",
    "inspected": "验货",
    "photos": "照片",
    "no_photos": "没有照片。",
    "show": "查看 {n} 张照片（会记录）",
    "who_may": "只有客服、仓库和管理员可以查看照片。",
    "read": "读到 {carrier} {waybill}，把握 {percent}%",
    "sure": "把握大",
    "unsure": "请核对",
    "story": "经过（新的在前）",
    "message": "消息 {id}",
    "words": "买家留言",
    "hidden_words": "只有客服和管理员可以看到留言。",
}
BAD = frozenset({"case.overdue", "case.payout_failed", "case.refuse", "case.differs"})
HIDDEN = frozenset({"nonce", "order", "case", "policy", "row", "freight_minor", "until"})
"""Details of an entry that say nothing to people, or stand elsewhere on the page."""
MONEY = frozenset({"amount_minor", "granted_minor"})


def first(page: CasePage, now: datetime) -> Markup:
    """Draw the first line: what it waits for, since when, who acts, until when, what comes next."""
    case = page.case
    words, tone = _headline(page, now)
    line: list[Child] = []
    if case.closed_at is None:
        since = tag("span", TEXTS["since"], age(case.step_since), TEXTS["since_at"], moment(case.step_since), "）")
        line = [tag("strong", TEXTS["acts"].format(who=_actor(page))), since]
        until = (
            tag("span", TEXTS["until"], countdown(case.due_at), " ", moment(case.due_at))
            if case.due_at
            else tag("span", TEXTS["no_until"])
        )
        _, following, over = WAITS[case.state]
        over = TEXTS["when_over"] + over if over and case.due_at else ""
        line += [until, tag("span", TEXTS["next"], following, over)]
    owner = tag("span", TEXTS["owner"], tag("strong", case.owner or TEXTS["nobody"]))
    told = climbed(case.escalated) if case.closed_at is None else None
    head = tag("div", state_badge(case.state, case.outcome), owner, told, _about(page), class_="row faint")
    return tag(
        "section", tag("p", words, class_="big", id="waits"), tag("div", line, class_="row") if line else None, head,
        class_=f"card first {tone}",
    )  # fmt: skip


def _actor(page: CasePage) -> str:
    return ACTORS[ACTS_NEXT[CaseState(page.case.state)]]


def _headline(page: CasePage, now: datetime) -> tuple[str, str]:
    case, payout = page.case, page.payout
    if case.closed_at is not None:
        return TEXTS["ended"].format(how=state_words(case.state, case.outcome)[0]), ""
    late = "bad" if case.due_at is not None and case.due_at <= now else ""
    if payout is not None and payout.state == "failed":
        return TEXTS["failed"].format(why=said(payout.reason)), "bad"
    if payout is not None and payout.state == "wanted" and payout.way == "hand":
        return TEXTS["by_hand"], late or "warn"
    if case.differs and case.state == CaseState.REVIEW.value:
        return TEXTS["differs"].format(what=differs_words(case.differs)), late or "warn"
    return WAITS[case.state][0], late or ("warn" if case.escalated == 0 else "")


def _about(page: CasePage) -> Markup:
    case = page.case
    parts = [KINDS.get(case.kind, case.kind), PHASES.get(case.phase, ""), ORIGINS.get(case.origin, case.origin)]
    order = link(order_url(case.order_key), case.order_key.split(":", 2)[-1], class_="num")
    return tag("span", " · ".join(filter(None, parts)), " · 订单 ", order, f" · {case.channel} / {case.shop}")


def arithmetic(page: CasePage) -> Markup:
    """Show how the money comes about, so that it adds up before the reader's eyes; grant and payout as two facts."""
    money_, currency = page.money, page.case.currency
    if CaseKind(page.case.kind) in SHIPS_AGAIN:
        return section(TEXTS["money"], tag("p", TEXTS["no_money"]), _replacement(page), id="arithmetic")
    names = {line.line_no: line.title for line in page.lines}
    rows: list[tuple[str, int | str, str]] = [(TEXTS["paid"], money_.paid_minor, "")]
    if money_.freight_minor:
        rows.append((TEXTS["freight_in"], money_.freight_minor, "faint"))
    rows.append((TEXTS["earlier"], -money_.earlier_minor, ""))
    rows.append((TEXTS["cap"], money_.cap_minor, "sum"))
    rows += [(_step(step, names, currency), step.amount_minor, "") for step in money_.steps]
    if len(money_.steps) > 1:
        rows.append((TEXTS["sum"], money_.sum_minor, "sum"))
    rows += _decided(page)
    shown = [
        tag("tr", tag("td", words), tag("td", amount if isinstance(amount, str) else money(amount, currency),
            class_="right num"), class_=tone or None)
        for words, amount, tone in rows
    ]  # fmt: skip
    return section(TEXTS["money"], tag("table", tag("tbody", shown), class_="sums"), _two_facts(page), id="arithmetic")


def _replacement(page: CasePage) -> Child:
    """Lead to the order by which the goods go out again."""
    key = page.case.replacement_key
    return tag("p", TEXTS["again"], link(order_url(key), key.split(":", 2)[-1], class_="num")) if key else None


def _step(step: Step, names: Mapping[str, str], currency: str) -> str:
    if not step.line_no:
        return TEXTS["freight"]
    share = money(step.share_minor, currency)
    title = names.get(step.line_no, step.line_no)
    return TEXTS["of_line"].format(title=title, share=share, units=step.units, bought=step.bought)


def _decided(page: CasePage) -> list[tuple[str, int | str, str]]:
    case = page.case
    wanted: int | str = TEXTS["all"] if case.wanted_minor is None else int(case.wanted_minor)
    rows: list[tuple[str, int | str, str]] = [(TEXTS["wanted"], wanted, "")]
    if case.approved_minor is not None:
        rows.append((TEXTS["approved"], int(case.approved_minor), ""))
    name = "granted" if page.money.settled else "expected" if case.review == "approved" else "due"
    rows.append((TEXTS[name], page.money.due_minor, "sum"))
    return rows


def _two_facts(page: CasePage) -> Markup:
    grant, payout, currency = page.grant, page.payout, page.case.currency
    granted: Child = TEXTS["no_grant"]
    if grant is not None:
        who = WHO.get(grant.granted_by, grant.granted_by)
        granted = [money(grant.amount_minor, currency), " · ", who, " · ", moment(grant.granted_at)]
    moved: Child = TEXTS["no_payout"]
    if payout is not None:
        words, tone = PAYOUTS[payout.state]
        where = " / ".join(filter(None, (PROVIDERS.get(payout.vendor, payout.vendor), payout.account)))
        reference = tag("span", TEXTS["reference"], tag("span", payout.reference, class_="num wrap"))
        moved = [
            badge(words, "bad" if payout.state == "failed" else tone), " ", money(payout.amount_minor, currency),
            f" · {WAYS.get(payout.way, payout.way)} {where} · ", moment(payout.paid_at or payout.wanted_at), " ",
            reference if payout.reference else None,
            tag("span", said(payout.reason), class_="wrap") if payout.reason else None,
        ]  # fmt: skip
    return tag("div", tag("p", TEXTS["grant"], granted), tag("p", TEXTS["payout"], moved), class_="below")


def verdict(page: CasePage, reasons: Mapping[str, str]) -> Markup:
    """Show what the policy said, by which version and row; and the buyer's reason."""
    case = page.case
    rule = TEXTS["no_verdict"]
    if case.policy_version:
        named = TEXTS["rule"].format(version=case.policy_version, row=case.policy_row, name=page.policy_name)
        rule = named if case.policy_row else TEXTS["before"]
    ruled = {"approved": "同意", "refused": "拒绝", "": "人工审核"}[case.review]
    who = WHO.get(case.reviewed_by, case.reviewed_by)
    return section(
        TEXTS["verdict"],
        facts(
            {
                "结论": f"{ruled}{f'（{who}）' if who else ''}",
                "说明": said(case.verdict_words) if case.verdict_words else "",
                "依据": link("/settings/after_sales/history", rule) if case.policy_version else rule,
                "原因": reasons.get(case.reason, case.reason),
                "责任": FAULTS.get(case.fault, case.fault),
                "运费": "退给买家" if case.freight_back else "",
                "渠道单号": case.channel_case_no,
                "申请": tag("span", WHO.get(case.asked_by, case.asked_by), " · ", moment(case.opened_at)),
            }
        ),
        id="verdict",
    )


def goods(page: CasePage) -> Markup:
    """Show what the case is about and what came back of it."""
    rows = [
        tag(
            "tr",
            tag("td", tag("div", line.title, class_="wrap"), tag("span", line.sku, class_="faint num")),
            tag("td", f"{line.quantity} / {line.bought}", class_="right"),
            tag("td", str(line.good), class_="right"),
            tag("td", str(line.damaged), class_="right"),
        )
        for line in page.lines
    ]
    heads = ["商品 / SKU", "申请 / 购买", "退回良品", "退回残品"]
    parcel: Child = None
    if page.case.waybill_no:
        carrier = CARRIERS.get(page.case.carrier, page.case.carrier)
        who = WHO.get(page.case.waybill_by, page.case.waybill_by)
        parcel = tag("p", f"退货运单 {carrier} ", tag("strong", page.case.waybill_no, class_="num"), f" · {who}")
    return section(TEXTS["goods"], table(heads, rows, numbers=(1, 2, 3)), parcel, _where(page), _came(page))


def _where(page: CasePage) -> Child:
    """Show where the parcels are, as the courier says."""
    return [
        tag(
            "p",
            tag("span", one.waybill_no, class_="num"),
            f" · {PARCELS.get(one.state or 'no_trace', one.state)} {one.location}".rstrip(),
            [" · ", moment(one.heard_at)] if one.heard_at else None,
            class_="faint",
        )
        for one in page.parcels
    ]


def _came(page: CasePage) -> Child:
    if not page.case.returns:
        return None
    came = [
        tag("li", moment(one.received_at), tag("span", _units(one.sku, one.grade, one.quantity, one.warehouse)))
        for one in page.receipts
    ]
    looked = [
        tag("li", moment(one.at), tag("span", _units(one.sku, one.grade, one.quantity, one.note), f" · {one.actor}"))
        for one in page.inspections
    ]
    return [
        tag("h3", TEXTS["back"]),
        tag("ul", came, class_="story") if came else empty(TEXTS["no_back"]),
        [tag("h3", TEXTS["inspected"]), tag("ul", looked, class_="story")] if looked else None,
    ]


def _units(sku: str, grade: str, units: int, more: str) -> str:
    return " · ".join(filter(None, (f"{sku} × {units}", GRADES.get(grade, grade), more)))


def photos(page: CasePage, shown: bool, may: bool) -> Markup:
    """Show the photos once somebody who may asked for them, and what was read off labels at once."""
    if not page.photos:
        return section(TEXTS["photos"], empty(TEXTS["no_photos"]))
    ask: Child = None
    if not may:
        ask = tag("p", TEXTS["who_may"], class_="faint")
    elif not shown:
        ask = tag("button", TEXTS["show"].format(n=len(page.photos)), data_act="photos", id="show-photos")
    return section(TEXTS["photos"], ask, tag("div", [_photo(one, shown) for one in page.photos], class_="photos"))


def _photo(one: CasePicture, shown: bool) -> Markup:
    kind = PHOTOS.get(one.kind, one.kind)
    words: list[Child] = [kind, " · ", moment(one.taken_at), " · ", WHO.get(one.actor, one.actor)]
    if one.reading:
        words.append(tag("div", _reading(one)))
    source = f"/photos/{one.id}"
    picture = tag("img", src=source, alt=kind, loading="lazy") if shown else None
    shown_ = link(source, picture, target="_blank", rel="noopener") if picture else None
    return tag("figure", shown_, tag("figcaption", words))


def _reading(one: CasePicture) -> Markup:
    if not one.read_waybill_no:
        return badge(READINGS.get(one.reading, one.reading), "calm" if one.reading == "waiting" else "warn")
    words = TEXTS["read"].format(
        carrier=CARRIERS.get(one.read_carrier, one.read_carrier), waybill=one.read_waybill_no, percent=one.read_percent
    )
    sure = one.reading == "read"
    return tag("span", words, " ", badge(TEXTS["sure" if sure else "unsure"], "good" if sure else "warn"))


def story(page: CasePage, reasons: Mapping[str, str]) -> Markup:
    """Tell what happened, the newest first, each with the raw message it came with."""
    return section(
        TEXTS["story"], tag("ol", [_entry(one, page, reasons) for one in reversed(page.entries)], class_="story")
    )


def _entry(one: Entry, page: CasePage, reasons: Mapping[str, str]) -> Markup:
    words: list[Child] = [
        tag("strong", action(one.action)),
        *(tag("span", " ", part) for part in _details(one, page, reasons)),
    ]
    if one.actor:
        words.append(tag("span", " · ", WHO.get(one.actor, one.actor), class_="faint"))
    if one.inbox_id is not None:
        words += [" ", link(f"/inbox/{one.inbox_id}", TEXTS["message"].format(id=one.inbox_id), class_="num")]
    return tag("li", moment(one.at), tag("div", words, class_="wrap"), class_="bad" if one.action in BAD else None)


def _details(one: Entry, page: CasePage, reasons: Mapping[str, str]) -> Iterable[str]:
    for name, value in one.detail.items():
        if name in HIDDEN or value in (None, "", [], {}):
            continue
        if name in MONEY:
            yield money(int(value), page.case.currency)
            continue
        if name == "differs":
            yield differs_words(str(value))
            continue
        if name == "outcome":
            yield OUTCOMES[Outcome(value)]
            continue
        if isinstance(value, dict):
            yield "、".join(_counted(str(what), units) for what, units in value.items())
            continue
        plain = "、".join(map(str, value)) if isinstance(value, list) else str(value)
        known = KINDS | {state: words for state, (words, _) in STATES.items()} | CHOICES | ORIGINS | WAYS
        yield known.get(plain) or (reasons.get(plain) if name == "reason" else "") or said(plain)


def _counted(what: str, units: object) -> str:
    """Say units of a SKU and its grade, as a receipt notes them."""
    sku, _, grade = what.rpartition(" ")
    return f"{sku} × {units} {GRADES.get(grade, grade)}" if sku else f"{what} × {units}"
