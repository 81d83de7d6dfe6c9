"""The form behind 开异常单 on an order's page: kind, responsibility, compensation, and how many units of each line."""

from dataclasses import dataclass, field

from markupsafe import Markup

from clients.console.forms import Ask, chooser, dialog, opener
from clients.console.forms import field as typed
from clients.console.frame import Frame, not_allowed
from clients.console.html import Child, link, section, tag
from clients.console.service_frame import EXCEPTIONS as PATH
from clients.console.service_frame import MOST_WORDS, Nonces, owner_of, service_of, state_badge
from clients.console.service_words import COMPENSATIONS, KINDS, RESPONSIBLE
from clients.servicing import lines_of, minor_of
from domain.exceptions import Compensation, ExceptionKind, NewException, Responsible, chosen
from domain.permissions import Action
from store.reads.order_page import OrderPage, OrderPages
from store.reads.service import ServiceReads
from store.replay import By

ACT = "open_exception"
TEXTS = {
    "title": "异常单",
    "open": "开异常单",
    "why": "提交后马上分派：补发会通知仓库，退款会开售后单和红字草稿，快递或供应商责任会建索赔。",
    "choose": "请选择",
    "kind": "种类（必选）",
    "responsible": "责任方（必选）",
    "compensation": "补偿（必选）",
    "units": "{sku} {title}（下单 {n} 件）：异常件数",
    "amount": "退款金额（选退款时填），元",
    "gift": "赠品商品编码（选赠品时填）",
    "words": "买家的话（加密保存）",
    "opened": "{no} 已开，并已自动分派。",
    "nothing": "没有异常单。",
}


@dataclass
class ExceptionForm:
    """Opening an exception of one order; `ticket_no` is the ticket that told of it."""

    frame: Frame
    key: str
    ticket_no: str = ""
    _nonces: Nonces = field(default_factory=Nonces)

    def __post_init__(self) -> None:
        self.frame.on(ACT, Action.HANDLE_EXCEPTION, self._open, MOST_WORDS)

    async def part(self) -> Markup:
        """Show the order's exceptions and the button."""
        desk = self.frame.desk
        rows = await ServiceReads(desk.database, desk.ring).of_order(self.key)
        items = [
            tag("p", link(f"{PATH}/{row.no}", row.no, class_="num"), " ", state_badge(row.state), " ",
                f"{KINDS[row.kind]} · {COMPENSATIONS[row.compensation]} ", owner_of(row.owner))
            for row in rows
        ]  # fmt: skip
        nothing = tag("p", TEXTS["nothing"], class_="faint")
        return section(TEXTS["title"], items or nothing, tag("div", self.button(), class_="acts below"))

    def button(self) -> Markup:
        """Draw the button; whoever may not is told why."""
        may = self.frame.may(Action.HANDLE_EXCEPTION)
        return opener(ACT, TEXTS["open"], "" if may else not_allowed(Action.HANDLE_EXCEPTION))

    async def dialog(self) -> Markup:
        """Draw the form."""
        page = await OrderPages(self.frame.desk.database).page(self.key)
        if page is None or not self.frame.may(Action.HANDLE_EXCEPTION):
            return Markup()
        ask = Ask(ACT, TEXTS["open"], TEXTS["why"], _fields(page), hidden=self._nonces.hidden(ACT))
        return dialog(ask, TEXTS["open"])

    async def _open(self, given: dict[str, str], by: By) -> str:
        units = [
            f"{name.removeprefix('units-')}={value.strip()}"
            for name, value in given.items()
            if name.startswith("units-") and value.strip() not in {"", "0"}
        ]
        new = NewException(
            order_key=self.key,
            kind=chosen(ExceptionKind, given.get("kind", ""), "kind"),
            responsible=chosen(Responsible, given.get("responsible", ""), "responsible"),
            compensation=chosen(Compensation, given.get("compensation", ""), "compensation"),
            lines=lines_of(" ".join(units)),
            request_key=f"console:{given.get('nonce', '')}",
            opened_by=by.actor,
            words=given.get("words", "").strip(),
            amount_minor=minor_of(given.get("amount", "")),
            gift_sku=given.get("gift", ""),
            ticket_no=self.ticket_no,
        )
        no = await service_of(self.frame).open_exception(new)
        self._nonces.taken(ACT)
        return TEXTS["opened"].format(no=no)


def _fields(page: OrderPage) -> list[Child]:
    empty = {"": TEXTS["choose"]}
    fields: list[Child] = [
        chooser(TEXTS["kind"], "kind", empty | KINDS),
        chooser(TEXTS["responsible"], "responsible", empty | RESPONSIBLE),
        chooser(TEXTS["compensation"], "compensation", empty | COMPENSATIONS),
    ]
    for line in page.lines:
        words = TEXTS["units"].format(sku=line.sku, title=line.title, n=line.quantity)
        fields.append(
            typed(words, f"units-{line.line_no}", type="number", min=0, max=line.quantity, inputmode="numeric")
        )
    fields.append(typed(TEXTS["amount"], "amount", inputmode="decimal", maxlength=12))
    fields.append(typed(TEXTS["gift"], "gift", maxlength=60))
    fields.append(tag("label", tag("span", TEXTS["words"]), tag("textarea", "", name="words", maxlength=1000)))
    return fields
