"""/exceptions and /exceptions/{no}: the queue by deadline; one exception, what it led to, what can be done."""

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from clients.console.forms import Ask, cards, dialog, facts, opener
from clients.console.forms import field as typed
from clients.console.frame import Desk, Frame, Handler, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, countdown, empty, link, moment, money, section, tag, url
from clients.console.lists import tabs
from clients.console.service_frame import EXCEPTIONS as PATH
from clients.console.service_frame import Nonces, order_link, owner_of, sections, service_of, service_only, state_badge
from clients.console.service_words import CLAIMS, COMPENSATIONS, KINDS, RED, RESPONSIBLE
from clients.console.words import ACTORS, action, said
from clients.evidence import evidence_pack
from clients.servicing import minor_of
from domain.exceptions import ExceptionChoice, ExceptionDecision, ExceptionState, refuse_decision
from domain.permissions import Action
from store.reads.service import ExceptionPage, ServiceReads
from store.red_letters import Blue
from store.replay import By

MOST_WORDS = 300
TEXTS = {
    "title": "异常单",
    "open": "未关闭",
    "closed": "已关闭",
    "tabs": "异常单分组",
    "empty": "没有异常单。",
    "empty_next": "在订单页点“开异常单”登记。",
    "missing": "没有这张异常单：{no}",
    "missing_next": "请回到异常单列表查找。",
    "first": "{kind}，{responsible}责任，{compensation}",
    "words": "买家的话",
    "order": "订单",
    "owner": "负责人",
    "due": "期限",
    "opened": "开单",
    "done": "处理结果",
    "lines": "涉及商品",
    "led_to": "已自动分派",
    "again": "补发单",
    "gift": "赠品单",
    "case": "售后单",
    "claim": "索赔",
    "red": "红字发票",
    "receivable": "应收变动",
    "asked": "索赔 {amount}（{against} {party}）",
    "won": "赔付 {amount}",
    "acts": "处理",
    "story": "经过（新的在前）",
    "handle": "接手处理",
    "hand_over": "转交",
    "close": "关闭",
    "reopen": "重新打开",
    "pack": "下载证据包",
    "hand_in": "已提交给对方",
    "end_claim": "登记赔付结果",
    "to": "转交给（登录名）",
    "what": "做了什么（请不要写姓名、电话、地址）",
    "why": "原因（请不要写姓名、电话、地址）",
    "amount": "赔付金额，未赔付填 0",
    "their": "未赔付时对方的理由",
    "moved": "{no}：{state}。",
    "packed": "证据包已下载，收件人已打码。请人工提交给对方，再点“已提交给对方”。",
    "done_claim": "索赔：{state}。",
    "explain_handle": "由您负责，不再提醒“无人处理”；24 小时内仍要关闭。",
    "explain_hand_over": "换一个人负责，时限不变。",
    "explain_close": "请写明结果，之后写进订单记录。",
    "explain_reopen": "重新开始计时。",
    "explain_claim": "赔付金额会计入应收变动。",
    "no_claim": "没有索赔",
    "ended": "索赔已有结果",
    "set_invoice": "填写蓝票号码",
    "confirm_red": "财务已确认红字",
    "explain_invoice": "接上开票服务时会自动开红字草稿，不会真正开票。只退一部分时，开票服务不提供蓝票明细，"
    "请照蓝票填写要冲红的行，含税金额合计要等于退款金额；不填就请在开票系统里手工开。",
    "red_lines": "只退一部分时，每行一条：蓝票行号 货物名称 件数 含税金额 税率 税收分类编码（19 位）",
    "red_example": "2 短袖 1 69.00 13% 1040201000000000000",
    "blue": "蓝票号码（20 位）",
    "red_done": "红字发票：{state}。",
    "red_over": "红字已确认",
}
COLUMNS = {
    "no": "异常单", "order": "订单", "what": "种类", "fault": "责任方", "gets": "补偿", "state": "状态",
    "owner": "负责人", "due": "期限", "opened": "开单",
}  # fmt: skip
LINES = {"line": "行", "sku": "SKU", "goods": "品名", "units": "件数"}
CHOICES = (ExceptionChoice.HANDLE, ExceptionChoice.HAND_OVER, ExceptionChoice.CLOSE, ExceptionChoice.REOPEN)


def register(desk: Desk) -> None:
    """Register the pages."""

    @page_at(PATH)
    async def listed(request: Request) -> None:
        await _draw_list(desk, request)

    @page_at(PATH + "/{no}")
    async def one(request: Request, no: str) -> None:
        await _draw_one(desk, request, no)


async def _draw_list(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/service"), ServiceReads(desk.database, desk.ring)
    closed = request.query_params.get("closed") == "1"

    async def read() -> Markup:
        rows = await reads.exceptions(open_=not closed)
        items: list[tuple[str, str, object, bool]] = [
            (TEXTS["open"], PATH, None if closed else len(rows), not closed),
            (TEXTS["closed"], url(PATH, closed=1), None, closed),
        ]
        shown = cards(COLUMNS, [_cells(row) for row in rows]) if rows else empty(TEXTS["empty"], TEXTS["empty_next"])
        return body(sections(PATH), tag("h1", TEXTS["title"]), tabs(items, TEXTS["tabs"]), shown)

    await frame.show(service_only(frame, read))


def _cells(row: Any) -> dict[str, Child]:
    return {
        "no": link(f"{PATH}/{row.no}", row.no, class_="open num", data_key=row.no),
        "order": order_link(row.order_key),
        "what": KINDS[row.kind],
        "fault": RESPONSIBLE[row.responsible],
        "gets": COMPENSATIONS[row.compensation],
        "state": state_badge(row.state),
        "owner": owner_of(row.owner),
        "due": countdown(row.due_at, empty="—"),
        "opened": moment(row.opened_at),
    }


async def _draw_one(desk: Desk, request: Request, no: str) -> None:
    frame, reads = framed(desk, request, no, "/service"), ServiceReads(desk.database, desk.ring)
    acts = ExceptionActs(frame, no)

    async def read() -> Markup:
        page = await reads.exception(no)
        head = [sections(PATH), tag("h1", link(PATH, TEXTS["title"]), " / ", tag("span", no, class_="num"))]
        if page is None:
            return body(head, empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        left = tag("div", _lines(page), _led_to(page))
        return body(head, _first(page), acts.buttons(page), tag("div", left, _story(page), class_="two"))

    async def dialogs() -> Markup:
        return acts.dialogs()

    await frame.show(service_only(frame, read))
    if frame.may(Action.HANDLE_EXCEPTION):
        await frame.show(dialogs, seconds=0)


def _first(page: ExceptionPage) -> Markup:
    row = page.row
    told = TEXTS["first"].format(
        kind=KINDS[row.kind], responsible=RESPONSIBLE[row.responsible], compensation=COMPENSATIONS[row.compensation]
    )
    shown = facts({
        TEXTS["order"]: order_link(row.order_key),
        TEXTS["owner"]: owner_of(row.owner),
        TEXTS["due"]: countdown(row.due_at) if row.due_at else None,
        TEXTS["opened"]: [moment(row.opened_at), " · ", row.opened_by],
        TEXTS["words"]: tag("span", page.words, class_="wrap") if page.words else None,
        TEXTS["done"]: tag("span", row.done, class_="wrap") if row.done else None,
    })  # fmt: skip
    tone = "warn" if row.closed_at is None else "good"
    head = tag("p", state_badge(row.state), " ", told, class_="big")
    return tag("section", head, shown, class_=f"card first {tone}")


def _lines(page: ExceptionPage) -> Markup:
    rows: list[dict[str, Child]] = [
        {
            "line": one.line_no,
            "sku": tag("span", one.sku, class_="num"),
            "goods": one.title or "—",
            "units": str(one.quantity),
        }
        for one in page.lines
    ]
    return section(TEXTS["lines"], cards(LINES, rows, {"units"})) if rows else Markup()


def _led_to(page: ExceptionPage) -> Markup:
    row = page.row
    shown: dict[str, Child] = {}
    if page.replacement:
        shown[TEXTS["gift" if row.compensation == "gift" else "again"]] = order_link(page.replacement.key)
    if page.case:
        shown[TEXTS["case"]] = [tag("span", page.case.no, class_="num"), " ", state_badge(page.case.state)]
    if page.claim:
        shown[TEXTS["claim"]] = _claim(page.claim)
    if page.red:
        shown[TEXTS["red"]] = [badge(*RED[page.red.state]), " ", tag("span", said(page.red.reason), class_="wrap")]
    changes: list[Child] = [
        tag("span", money(one.amount_minor, one.currency), " ", class_="num") for one in page.changes
    ]
    shown[TEXTS["receivable"]] = changes
    return section(TEXTS["led_to"], facts(shown))


def _claim(claim: Any) -> list[Child]:
    against, asked = RESPONSIBLE[claim.against], money(claim.asked_minor, claim.currency)
    told: list[Child] = [badge(*CLAIMS[claim.state]), " "]
    told.append(TEXTS["asked"].format(amount=asked, against=against, party=claim.party))
    if claim.won_minor:
        told += [" ", TEXTS["won"].format(amount=money(claim.won_minor, claim.currency))]
    return told


def _story(page: ExceptionPage) -> Markup:
    items = [tag("li", moment(one.at), tag("div", _told(one), class_="wrap")) for one in page.story]
    return section(TEXTS["story"], tag("ol", items, class_="story"))


def _told(one: Any) -> list[Child]:
    who = tag("span", " · ", ACTORS.get(one.actor, one.actor), class_="faint")
    return [tag("strong", action(one.action)), " ", said(str(one.detail.get("words", ""))), who]


def _blue_fields() -> list[Child]:
    """Ask for the blue invoice, and for its lines where only a part turns red."""
    area = tag("textarea", "", name="lines", maxlength=MOST_WORDS // 2, placeholder=TEXTS["red_example"], rows=3)
    number = typed(TEXTS["blue"], "blue", required=True, maxlength=20, inputmode="numeric")
    return [number, tag("label", tag("span", TEXTS["red_lines"]), area)]


@dataclass
class ExceptionActs:
    """What can be done with the exception of one open page."""

    frame: Frame
    no: str
    _nonces: Nonces = field(default_factory=Nonces)

    def __post_init__(self) -> None:
        self._service = service_of(self.frame)
        for choice in CHOICES:
            self.frame.on(choice.value, Action.HANDLE_EXCEPTION, self._press(choice))
        for name, handler in (("pack", self._pack), ("hand_in", self._hand_in), ("end_claim", self._end_claim)):
            self.frame.on(name, Action.HANDLE_EXCEPTION, handler)
        for name, handler in (("set_invoice", self._set_invoice), ("confirm_red", self._confirm_red)):
            self.frame.on(name, Action.CONFIRM_RED_LETTER, handler)

    def buttons(self, page: ExceptionPage) -> Markup:
        """Draw the buttons; one that cannot work says why beforehand."""
        found: list[Child] = [opener(one.value, TEXTS[one.value], self._why_not(page, one)) for one in CHOICES]
        if page.claim:
            why = self._why_not_claim(page)
            found.append(self._plain("pack", ""))
            found.append(self._plain("hand_in", why if page.claim.state == "open" else why or CLAIMS["handed_in"][0]))
            found.append(opener("end_claim", TEXTS["end_claim"], why))
        if page.red:
            why = "" if self.frame.may(Action.CONFIRM_RED_LETTER) else not_allowed(Action.CONFIRM_RED_LETTER)
            why = TEXTS["red_over"] if page.red.state == "confirmed" else why
            found += [opener("set_invoice", TEXTS["set_invoice"], why), self._plain("confirm_red", why)]
        return tag("section", tag("h2", TEXTS["acts"]), tag("div", found, class_="acts"), class_="card")

    def dialogs(self) -> Markup:
        """Draw the forms behind the buttons."""
        what = typed(TEXTS["what"], "words", required=True, maxlength=MOST_WORDS)
        why = typed(TEXTS["why"], "words", required=True, maxlength=MOST_WORDS)
        to = typed(TEXTS["to"], "owner", required=True, maxlength=60)
        fields: dict[str, Child] = {"hand_over": to, "close": what, "reopen": why}
        asks = [
            Ask(
                one.value,
                TEXTS[one.value],
                TEXTS[f"explain_{one.value}"],
                fields.get(one.value),
                hidden=self._nonces.hidden(one.value),
            )
            for one in CHOICES
        ]
        result = [typed(TEXTS["amount"], "amount", required=True), typed(TEXTS["their"], "words", maxlength=MOST_WORDS)]
        asks.append(Ask("end_claim", TEXTS["end_claim"], TEXTS["explain_claim"], result))
        asks.append(Ask("set_invoice", TEXTS["set_invoice"], TEXTS["explain_invoice"], _blue_fields()))
        return Markup().join(dialog(ask, ask.title) for ask in asks)

    def _plain(self, name: str, why: str) -> Markup:
        button = tag("button", TEXTS[name], id=f"act-{name}", data_act=name, disabled=bool(why), data_off=bool(why))
        return tag("div", button, tag("small", why) if why else None)

    def _why_not(self, page: ExceptionPage, choice: ExceptionChoice) -> str:
        if not self.frame.may(Action.HANDLE_EXCEPTION):
            return not_allowed(Action.HANDLE_EXCEPTION)
        asked = ExceptionDecision(choice, self.frame.session.login, "x", "x")
        return said(refuse_decision(asked, ExceptionState(page.row.state)))

    def _why_not_claim(self, page: ExceptionPage) -> str:
        if not self.frame.may(Action.HANDLE_EXCEPTION):
            return not_allowed(Action.HANDLE_EXCEPTION)
        return TEXTS["ended"] if page.claim and page.claim.ended_at else ""

    def _press(self, choice: ExceptionChoice) -> Handler:
        async def press(given: dict[str, str], by: By) -> str:
            words, owner = given.get("words", "")[:MOST_WORDS], given.get("owner", "")
            decision = ExceptionDecision(choice, by.actor, words, owner)
            await self._service.decide_exception(self.no, decision, given.get("nonce") or self._nonces.of(choice.value))
            self._nonces.taken(choice.value)
            return TEXTS["moved"].format(no=self.no, state=TEXTS[choice.value])

        return press

    async def _pack(self, _: dict[str, str], by: By) -> str:
        desk = self.frame.desk
        data = await evidence_pack(desk.database, desk.ring, f"{self.no}-L", by.actor, by.now)
        ui.download.content(data, f"{self.no}-L.zip")
        return TEXTS["packed"]

    async def _hand_in(self, _: dict[str, str], by: By) -> str:
        return TEXTS["done_claim"].format(state=CLAIMS[await self._service.hand_in(f"{self.no}-L", by.actor)][0])

    async def _end_claim(self, given: dict[str, str], by: By) -> str:
        won = minor_of(given.get("amount", "")) or 0
        state = await self._service.end_claim(f"{self.no}-L", won, given.get("words", ""), by.actor)
        return TEXTS["done_claim"].format(state=CLAIMS[state][0])

    async def _set_invoice(self, given: dict[str, str], by: By) -> str:
        blue = Blue(given.get("blue", "").strip(), given.get("lines", ""))
        state = await self._service.set_invoice(self.no, blue, by.actor)
        return TEXTS["red_done"].format(state=RED[state][0])

    async def _confirm_red(self, _: dict[str, str], by: By) -> str:
        return TEXTS["red_done"].format(state=RED[await self._service.confirm_red_letter(self.no, by.actor)][0])
