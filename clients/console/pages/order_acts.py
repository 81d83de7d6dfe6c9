"""The buttons of an order's page: why one cannot be pressed, the form behind it, and what came of a press.

A decision carries a nonce drawn for its form; what is not answered in time: clients/console/patience.py.
"""

from dataclasses import dataclass, field
from secrets import token_hex

from markupsafe import Markup

from clients.console.frame import Frame, Handler, not_allowed
from clients.console.html import Child, tag
from clients.console.patience import patiently
from clients.console.words import CHOICES, said
from clients.deciding import Decisions, why_not
from domain.errors import BadInput
from domain.permissions import Action
from store.reads.order_page import OrderPage
from store.replay import By
from workflows.decisions import Choice, Decision

RESTART = "restart"
ORDER = ("release", "retry", "skip", "hold", "cancel", RESTART)
MOST_REASON = 200

TEXTS = {
    "title": "处理",
    "engine_away": "流程引擎没有应答，恢复后再处理",
    "pending": "上一个决定还没有确认",
    "runs": "流程正在运行，不需要重启",
    "asking": "正在询问流程是否在运行",
    "ask": "确定要{what}吗？",
    "yes": "确定{what}",
    "no": "返回",
    "case": "申请售后",
    "reason": "原因（会写进订单记录，请不要写姓名、电话、地址）",
    "old_form": "这个表单已经提交过了，请看上面的结果。",
    "refused": "没有执行：{why}。",
    "done": "{what}：{outcome}。",
}
EXPLAINED = {
    "cancel": "还没发出的货会从仓库撤回，然后关闭订单。",
    "hold": "订单不再往下走，直到有人放行。",
    "release": "订单继续往下走。",
    "retry": "再试一次卡住的那一步。",
    "skip": "这一步已由人工完成，流程接着往下走。",
    "restart": "从已有的事实重新启动流程，不会重复做已做过的事。",
}
NEEDS = {name: Action(name) for name in ORDER}


@dataclass
class OrderActs:
    """The decisions about the order of one open page."""

    frame: Frame
    key: str
    decisions: Decisions
    runs: bool | None = None
    pending: str = ""
    _nonces: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ORDER:
            self.frame.on(name, NEEDS[name], self._press(name))
            self._nonces[name] = token_hex(8)

    def buttons(self, page: OrderPage) -> Markup:
        """Draw the buttons; one that cannot work says why beforehand."""
        reasons = {name: self._why_not(page, name) for name in ORDER}
        common = reasons[ORDER[0]] if len(set(reasons.values())) == 1 else ""
        found = [self._button(name, reason, bool(common)) for name, reason in reasons.items()]
        if page.order.shipped_at and self.frame.may(Action.DECIDE_CASE):
            found.append(tag("div", tag("button", TEXTS["case"], data_dialog="ask-open_case", id="act-case")))
        why = tag("p", common, id="why-all") if common else None
        return tag("section", tag("h2", TEXTS["title"]), why, tag("div", found, class_="acts"), class_="card")

    def dialogs(self) -> Markup:
        """Draw the forms behind the buttons, each with its own nonce."""
        return Markup().join(self._dialog(name) for name in ORDER)

    def _why_not(self, page: OrderPage, name: str) -> str:
        if page.order.closed_at:
            return said(why_not(page, Choice.CANCEL, self.frame.session.login))
        if not self.frame.may(NEEDS[name]):
            return not_allowed(NEEDS[name])
        if self.pending:
            return TEXTS["pending"]
        if name == RESTART:
            reason = {True: TEXTS["runs"], None: TEXTS["asking"], False: ""}[self.runs]
        else:
            reason = said(why_not(page, Choice(name), self.frame.session.login))
        if reason:
            return reason
        return "" if self.frame.desk.watch.news.engine else TEXTS["engine_away"]

    def _button(self, name: str, reason: str, said_already: bool) -> Markup:
        why = tag("small", reason, id=f"why-{name}") if reason and not said_already else None
        told_in = "why-all" if said_already else f"why-{name}"
        button = tag(
            "button",
            CHOICES[name],
            id=f"act-{name}",
            data_dialog=f"ask-{name}",
            disabled=bool(reason),
            aria_describedby=told_in if reason else None,
            class_="danger" if name == "cancel" else None,
        )
        return tag("div", button, why)

    def _dialog(self, name: str) -> Markup:
        what = CHOICES[name]
        entry: Child = None
        if name in {"hold", "cancel"}:
            area = tag("textarea", "", name="reason", maxlength=MOST_REASON, required=name == "hold")
            entry = tag("label", tag("span", TEXTS["reason"]), area)
        form = tag(
            "form",
            tag("h2", TEXTS["ask"].format(what=what)),
            tag("p", EXPLAINED[name]),
            entry,
            tag("input", type="hidden", name="nonce", value=self._nonces[name]),
            tag(
                "div",
                tag("button", TEXTS["no"], type="button", data_close=True),
                tag("button", TEXTS["yes"].format(what=what), class_=_loudness(name), type="submit"),
                class_="row",
            ),
            data_act=name,
        )
        return tag("dialog", form, id=f"ask-{name}", aria_label=what)

    def _press(self, name: str) -> Handler:
        async def press(given: dict[str, str], by: By) -> str:
            nonce = self._nonces[name]
            if given.get("nonce") != nonce:
                raise BadInput(TEXTS["old_form"])
            self._nonces[name] = token_hex(8)
            self.pending = nonce
            reason = given.get("reason", "").strip()[:MOST_REASON]

            async def send() -> str:
                outcome = said(await self._send(name, by, reason, nonce))
                return TEXTS["done"].format(what=CHOICES[name], outcome=outcome)

            return await patiently(self.frame, send, f"decision {nonce}", self._answered)

        return press

    def _answered(self) -> None:
        self.pending = ""

    async def _send(self, name: str, by: By, reason: str, nonce: str) -> str:
        if name == RESTART:
            return await self.decisions.restart(self.key, by.actor)
        return await self.decisions.decide(self.key, Decision(Choice(name), by.actor, reason), nonce)


def _loudness(name: str) -> str:
    return "primary danger" if name == "cancel" else "primary"
