"""The buttons of a case's page: why one cannot be pressed, the form behind it, and what came of a press.

A decision carries a nonce drawn for its form; what is not answered in time: clients/console/patience.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from secrets import token_hex

from markupsafe import Markup

from clients.console.case_deciding import NEEDS, bring
from clients.console.case_words import CHOICES, EXPLAINED
from clients.console.forms import Ask, chooser, dialog, opener
from clients.console.forms import field as entry
from clients.console.frame import Frame, Handler, not_allowed
from clients.console.html import Child, money, section, tag
from clients.console.words import CARRIERS, said
from domain.after_sales import OF_GOODS, PAYS_BACK, CaseDecision, CaseKind, CaseState, Choice, refuse_decision
from domain.after_sales_policy import may_grant
from domain.errors import BadInput
from domain.permissions import Action
from store.case_owner import hand_over
from store.reads.case_page import CasePage
from store.replay import By

ORDER = (
    Choice.APPROVE,
    Choice.REFUSE,
    Choice.TAKE,
    Choice.WAYBILL,
    Choice.PAY_WITHOUT,
    Choice.RECEIVE_ONLY,
    Choice.RETRY_PAYOUT,
    Choice.PAID_BY_HAND,
    Choice.WITHDRAW,
)
LOUD = frozenset({Choice.REFUSE, Choice.RECEIVE_ONLY, Choice.WITHDRAW})
REASONED = frozenset({Choice.REFUSE, Choice.PAY_WITHOUT, Choice.RECEIVE_ONLY})
MOST_REASON = 200
HAND = "hand_over"
AMOUNT = re.compile(r"\d{1,9}(\.\d{1,2})?", re.ASCII)

TEXTS = {
    "title": "处理",
    "pending": "上一个决定还没有确认",
    "engine_away": "流程引擎没有应答，恢复后再处理",
    "mine": "已经由您处理",
    "not_failed": "打款没有失败，正在等结果",
    "nothing_left": "没有可退的金额",
    "sent": "支付平台已收到请求，请等它的结果",
    "ask": "确定要{what}吗？",
    "yes": "确定{what}",
    "amount": "退款金额（最多 {most}）",
    "amount_bad": "金额请写成 12.34 这样的数，最多两位小数",
    "amount_none": "金额要大于 0；不退款请点“拒绝”",
    "amount_much": "不能退 {asked}，最多可退 {most}",
    "reason": "原因（买家会看到，请不要写姓名、电话、地址）",
    "note": "说明（可不填）",
    "reason_missing": "请填写原因",
    "carrier": "快递公司",
    "other_carrier": "其他",
    "waybill": "退货运单号",
    "reference": "银行或支付平台的流水号",
    "agent_much": "超过客服可批准的 {limit}：请管理员批准，或填写不超过它的金额",
    "agent_limit": "您一次最多可批准 {limit}，更多请找管理员。",
    "old_form": "这个表单已经提交过了，请看上面的结果。",
    "hand": "转交",
    "hand_to": "交给",
    "hand_nobody": "（无人）",
    "hand_why": "只改负责人，期限不变。",
    "handed": "已转交给{owner}。",
    "closed": "售后单已结束，不能再转交",
}


@dataclass
class CaseActs:
    """The decisions about the case of one open page. Its money is that of the last look.

    `limit_minor`: how much an agent may grant at once (settings document `after_sales`); None for who may pay too.
    """

    frame: Frame
    no: str
    users: Mapping[str, str]
    pending: str = ""
    most_minor: int = 0
    due_minor: int = 0
    currency: str = "CNY"
    limit_minor: int | None = None
    _nonces: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for choice in ORDER:
            self.frame.on(choice.value, NEEDS[choice], self._press(choice))
            self._nonces[choice] = token_hex(8)
        self.frame.on(HAND, Action.SEE_CASES, self._hand)

    def buttons(self, page: CasePage) -> Markup:
        """Draw the buttons; one that cannot work says why beforehand."""
        self.most_minor, self.due_minor = page.money.most_minor, page.money.due_minor
        self.currency = page.case.currency
        if CaseKind(page.case.kind) not in PAYS_BACK:
            self.most_minor = self.due_minor = 0  # goods are sent: nothing to name an amount for
        found = [
            opener(one.value, CHOICES[one], self._why_not(page, one), danger=one in LOUD)
            for one in ORDER
            if self._shown(page, one)
        ]
        found.append(opener(HAND, TEXTS["hand"], TEXTS["closed"] if page.case.closed_at else ""))
        return section(TEXTS["title"], tag("div", found, class_="acts"))

    def dialogs(self) -> Markup:
        """Draw the forms behind the buttons, each with its own nonce."""
        hand = Ask(HAND, TEXTS["hand"], TEXTS["hand_why"], chooser(TEXTS["hand_to"], "owner", self._people()))
        return Markup().join([*(self._dialog(choice) for choice in ORDER), dialog(hand, TEXTS["hand"])])

    def _people(self) -> dict[str, str]:
        return {**self.users, "": TEXTS["hand_nobody"]}

    def _shown(self, page: CasePage, choice: Choice) -> bool:
        """Leave out what can never be of use to such a case."""
        kind = CaseKind(page.case.kind)
        if choice in {Choice.RETRY_PAYOUT, Choice.PAID_BY_HAND}:
            return kind in PAYS_BACK
        if choice in {Choice.WAYBILL, Choice.PAY_WITHOUT, Choice.RECEIVE_ONLY}:
            return kind in {CaseKind.RETURN, CaseKind.EXCHANGE}
        return True

    def _why_not(self, page: CasePage, choice: Choice) -> str:
        case = page.case
        probe = CaseDecision(choice, self.frame.session.login, "x", None, "x", "x", "x")
        received = case.received_at is not None
        reason = said(refuse_decision(probe, CaseState(case.state), CaseKind(case.kind), received=received))
        if case.closed_at is not None:
            return reason or TEXTS["closed"]
        if not self.frame.may(NEEDS[choice]):
            return not_allowed(NEEDS[choice])
        if reason or (reason := self._by_money(page, choice)):
            return reason
        if self.pending:
            return TEXTS["pending"]
        return "" if self.frame.desk.watch.news.engine else TEXTS["engine_away"]

    def _by_money(self, page: CasePage, choice: Choice) -> str:
        """Say why the money forbids it."""
        failed = page.payout is not None and page.payout.state == "failed"
        if choice is Choice.TAKE and page.case.owner == self.frame.session.login:
            return TEXTS["mine"]
        if choice is Choice.RETRY_PAYOUT and not failed:
            return TEXTS["not_failed"]
        if choice is Choice.PAID_BY_HAND and not failed and page.payout is not None and page.payout.way == "provider":
            return TEXTS["sent"]
        if choice is Choice.PAY_WITHOUT and self._over(self.due_minor):
            return self._limited("agent_much")
        goods = CaseKind(page.case.kind) in OF_GOODS
        return TEXTS["nothing_left"] if choice is Choice.APPROVE and goods and not page.money.most_minor else ""

    def _dialog(self, choice: Choice) -> Markup:
        what = CHOICES[choice]
        limited = choice is Choice.APPROVE and self._over(self.most_minor)
        ask = Ask(
            choice.value,
            TEXTS["ask"].format(what=what),
            EXPLAINED[choice] + (self._limited("agent_limit") if limited else ""),
            self._fields(choice),
            danger=choice in LOUD,
            hidden={"nonce": self._nonces[choice]},
        )
        return dialog(ask, TEXTS["yes"].format(what=what))

    def _fields(self, choice: Choice) -> Child:
        needs = choice in REASONED
        area = tag("textarea", "", name="reason", maxlength=MOST_REASON, required=needs)
        reason = tag("label", tag("span", TEXTS["reason" if needs else "note"]), area)
        if choice is Choice.APPROVE:
            return [self._amount(), reason]
        if choice is Choice.WAYBILL:
            carriers = {**CARRIERS, "": TEXTS["other_carrier"]}
            return [
                chooser(TEXTS["carrier"], "carrier", carriers),
                entry(TEXTS["waybill"], "waybill_no", maxlength=60, required=True, autocomplete="off"),
            ]
        if choice is Choice.PAID_BY_HAND:
            return entry(TEXTS["reference"], "reference", maxlength=80, required=True, autocomplete="off")
        return None if choice in {Choice.TAKE, Choice.RETRY_PAYOUT} else reason

    def _amount(self) -> Child:
        if not self.most_minor:
            return None
        words = TEXTS["amount"].format(most=money(self.most_minor, self.currency))
        return entry(words, "amount", inputmode="decimal", maxlength=12, placeholder=f"{self.most_minor / 100:.2f}")

    def _press(self, choice: Choice) -> Handler:
        async def press(given: dict[str, str], by: By) -> str:
            nonce = self._nonces[choice]
            if given.get("nonce") != nonce:
                raise BadInput(TEXTS["old_form"])
            decision = self._decision(choice, given, by)
            self._nonces[choice] = token_hex(8)
            self.pending = nonce
            return await bring(self.frame, self.no, decision, nonce, self._answered)

        return press

    def _decision(self, choice: Choice, given: Mapping[str, str], by: By) -> CaseDecision:
        reason = given.get("reason", "").strip()[:MOST_REASON]
        if choice in REASONED and not reason:
            raise BadInput(TEXTS["reason_missing"])
        return CaseDecision(
            choice,
            by.actor,
            reason,
            self._granted(given.get("amount", "")) if choice is Choice.APPROVE else None,
            given.get("carrier", "").strip()[:20],
            given.get("waybill_no", "").strip()[:60],
            given.get("reference", "").strip()[:80],
        )

    def _over(self, minor: int) -> bool:
        """Say whether this person may not grant so much."""
        return not may_grant(self.frame.session.role, minor, self.limit_minor)

    def _limited(self, name: str) -> str:
        return TEXTS[name].format(limit=money(self.limit_minor or 0, self.currency))

    def _granted(self, words: str) -> int | None:
        minor = self._minor(words)
        if self._over(self.due_minor if minor is None else minor):
            raise BadInput(self._limited("agent_much"))
        return minor

    def _minor(self, words: str) -> int | None:
        """Read an amount; nothing typed means all of it. BadInput says what is wrong with it."""
        minor = minor_of(words)
        if minor is None:
            return None
        if minor == 0:
            raise BadInput(TEXTS["amount_none"])
        if minor > self.most_minor:
            asked, most = money(minor, self.currency), money(self.most_minor, self.currency)
            raise BadInput(TEXTS["amount_much"].format(asked=asked, most=most))
        return minor

    def _answered(self) -> None:
        self.pending = ""

    async def _hand(self, given: dict[str, str], by: By) -> str:
        owner = given.get("owner", "").strip()
        await hand_over(self.frame.desk.database, self.no, owner, by)
        return TEXTS["handed"].format(owner=owner or TEXTS["hand_nobody"])


def minor_of(words: str) -> int | None:
    """Read an amount of money as typed; None for nothing, BadInput for what is none."""
    plain = words.strip().removeprefix("¥").replace(",", "")
    if not plain:
        return None
    if not AMOUNT.fullmatch(plain):
        raise BadInput(TEXTS["amount_bad"])
    return int(Decimal(plain) * 100)
