"""After-sales on an order's page: its cases, and the form that opens a new one (AFT-3, EXC-4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from markupsafe import Markup

from clients.console.case_lists import SHORT, case_table
from clients.console.case_words import KINDS
from clients.console.forms import Ask, chooser, dialog, opener
from clients.console.forms import field as entry
from clients.console.frame import Frame, not_allowed
from clients.console.html import Child, empty, money, section, tag
from clients.console.pages.case_acts import minor_of
from clients.settings import ClientSettings
from domain.after_sales import OF_GOODS, CaseKind, CaseLine, NewCase, Origin
from domain.errors import BadInput
from domain.permissions import Action
from store import cases
from store.reads.case_offers import CaseOffers, Offer, OfferedLine
from store.reads.cases import CaseReads
from store.reads.order_page import OrderPage
from store.replay import By

OPEN = "open_case"
MOST_WORDS = 500
TEXTS = {
    "title": "售后",
    "none": "这张订单没有售后。",
    "open": "申请售后",
    "ask": "为这张订单申请售后",
    "why": "提交后按售后规则判定；同一商品同时只处理一张售后单。",
    "yes": "提交申请",
    "kind": "类型",
    "reason": "原因",
    "amount": "申请金额（不填为全部可退；价保和补偿必填）",
    "words": "买家的话（加密保存）",
    "no_units": "不申请",
    "units": "{n} 件 · 可退 {worth}",
    "no_left": "{title}（没有可申请的件数）",
    "sum": "所选商品可退合计",
    "cap": "这张订单还可退 {cap}。",
    "freight": "运费 {freight} 是否退，由规则决定。",
    "unpaid": "订单还没有付款，不能申请售后",
    "nothing": "这张订单已经没有可退的金额",
    "no_lines": "请至少选择一件商品",
    "no_amount": "{kind}要写金额",
    "too_much": "申请金额 {asked} 超过可退的 {most}",
    "old_form": "这个表单已经提交过了，请看上面的结果。",
    "opened": "已申请售后 {no}。",
}


@dataclass
class OrderCases:
    """The cases of one open order page. `offer` is what was offered at the last look."""

    frame: Frame
    key: str
    offer: Offer | None = None
    _nonce: str = field(default_factory=lambda: token_hex(8))

    def __post_init__(self) -> None:
        self.frame.on(OPEN, Action.DECIDE_CASE, self._open, MOST_WORDS)

    async def look(self) -> None:
        """Read what may be asked for."""
        self.offer = await CaseOffers(self.frame.desk.database, ClientSettings().profile).offer(self.key)

    async def part(self, page: OrderPage) -> Markup:
        """Draw the cases of the order and the button that opens another."""
        if self.offer is None:
            await self.look()
        rows = await CaseReads(self.frame.desk.database).of_order(self.key)
        reasons = {reason.code: reason.words for reason in self.offer.reasons} if self.offer else {}
        shown = case_table(rows, reasons, SHORT) if rows else empty(TEXTS["none"])
        button = opener(OPEN, TEXTS["open"], self._why_not(page.facts.paid_minor > 0))
        return section(TEXTS["title"], shown, tag("div", button, class_="acts below"), id="cases")

    def _why_not(self, paid: bool) -> str:
        if not self.frame.may(Action.DECIDE_CASE):
            return not_allowed(Action.DECIDE_CASE)
        if not paid:
            return TEXTS["unpaid"]
        return "" if self.offer is not None and self.offer.cap_minor else TEXTS["nothing"]

    async def form(self) -> Markup:
        """Draw the form anew; every choice of units says what it is worth."""
        await self.look()
        offer = self.offer
        if offer is None:
            return Markup()
        reasons = {reason.code: reason.words for reason in offer.reasons}
        told = TEXTS["cap"].format(cap=money(offer.cap_minor, offer.currency))
        if offer.freight_minor:
            told += TEXTS["freight"].format(freight=money(offer.freight_minor, offer.currency))
        area = tag("textarea", "", name="words", maxlength=MOST_WORDS)
        fields: list[Child] = [
            chooser(TEXTS["kind"], "kind", KINDS),
            tag("div", [_units(line, offer.currency) for line in offer.lines], class_="unit-list"),
            tag(
                "p", TEXTS["sum"], " ", tag("output", money(0, offer.currency), data_sum="¥", class_="num"), "。", told
            ),
            chooser(TEXTS["reason"], "reason", reasons),
            entry(TEXTS["amount"], "amount", inputmode="decimal", maxlength=12, autocomplete="off"),
            tag("label", tag("span", TEXTS["words"]), area),
        ]
        ask = Ask(OPEN, TEXTS["ask"], TEXTS["why"], fields, hidden={"nonce": self._nonce})
        return dialog(ask, TEXTS["yes"])

    async def _open(self, given: dict[str, str], by: By) -> str:
        if given.get("nonce") != self._nonce:
            raise BadInput(TEXTS["old_form"])
        await self.look()
        new = self._read(given, by)
        desk = self.frame.desk
        async with desk.database.transaction() as tx:
            no = await cases.open_case(tx, desk.ring, new, by.now)
        self._nonce = token_hex(8)
        return TEXTS["opened"].format(no=no)

    def _read(self, given: Mapping[str, str], by: By) -> NewCase:
        """Read the form; BadInput says what is missing."""
        kind = next((one for one in CaseKind if one.value == given.get("kind")), CaseKind.REFUND)
        lines = self._lines(given)
        if not lines:
            raise BadInput(TEXTS["no_lines"])
        wanted = minor_of(given.get("amount", ""))
        if wanted is None and kind in {CaseKind.PRICE, CaseKind.COMPENSATION}:
            raise BadInput(TEXTS["no_amount"].format(kind=KINDS[kind]))
        self._not_too_much(kind, lines, wanted)
        return NewCase(
            order_key=self.key,
            kind=kind,
            origin=Origin.AGENT,
            request_key=f"console:{self.key}:{self._nonce}",
            lines=lines,
            reason=given.get("reason", "")[:40],
            asked_by=by.actor,
            words=given.get("words", "").strip()[:MOST_WORDS],
            wanted_minor=wanted,
        )

    def _lines(self, given: Mapping[str, str]) -> tuple[CaseLine, ...]:
        offered = self.offer.lines if self.offer else []
        chosen = [(line, given.get(f"units:{line.line_no}", "")) for line in offered]
        return tuple(
            CaseLine(line.line_no, line.sku, int(words))
            for line, words in chosen
            if words.isdecimal() and int(words) in line.worth
        )

    def _not_too_much(self, kind: CaseKind, lines: tuple[CaseLine, ...], wanted: int | None) -> None:
        offer = self.offer
        if offer is None or wanted is None:
            return
        worth = {line.line_no: line.worth for line in offer.lines}
        goods = sum(worth[line.line_no][line.quantity] for line in lines) + offer.freight_minor
        most = min(goods, offer.cap_minor) if kind in OF_GOODS else offer.cap_minor
        if wanted > most:
            asked = money(wanted, offer.currency)
            raise BadInput(TEXTS["too_much"].format(asked=asked, most=money(most, offer.currency)))


def _units(line: OfferedLine, currency: str) -> Markup:
    """Draw the choice of units of a line, each with what it is worth."""
    if not line.worth:
        return tag("p", TEXTS["no_left"].format(title=line.title), class_="faint")
    options = [tag("option", TEXTS["no_units"], value="", data_minor="0")]
    options += [
        tag("option", TEXTS["units"].format(n=n, worth=money(minor, currency)), value=str(n), data_minor=str(minor))
        for n, minor in line.worth.items()
    ]
    return tag(
        "label", tag("span", line.title, " ", tag("span", line.sku, class_="faint num")),
        tag("select", options, name=f"units:{line.line_no}"),
    )  # fmt: skip
