"""The buttons that stop and resume the sale of a SKU (停售, 恢复, 试销), on every page that shows it (INV-7)."""

from dataclasses import dataclass

from markupsafe import Markup

from clients.console.frame import Frame, not_allowed
from clients.console.html import tag
from clients.console.stock_frame import Ask, ask, dialog_id, reason_of
from domain.breaker import Cause
from domain.errors import BadInput
from domain.permissions import Action
from store import breakers
from store.breakers import MOST_TRIAL
from store.breakers import By as Stopper
from store.reads.breakers import Stop
from store.replay import By

TEXTS = {
    "stop": "停售",
    "keep": "一直停售",
    "stop_title": "在所有渠道停售 {sku}？",
    "stop_why": "几秒内所有店铺的可售数变成 0；已付款的新订单排队等待，直到有人恢复。补货不会自动恢复。",
    "stop_yes": "全渠道停售",
    "resume": "恢复",
    "resume_title": "恢复销售 {sku}？",
    "resume_why": "所有店铺按公式恢复可售数；排队的订单按付款先后分配。",
    "resume_yes": "恢复销售",
    "trial": "试销",
    "trial_title": "试销 {sku}？",
    "trial_why": "先放出这么多件：全部卖完且没有锁不到库存，就自动恢复；出现一次锁不到，立即再停售。",
    "trial_yes": "开始试销",
    "units": "件数",
    "bad_units": "试销件数要填 1 到 {most} 的整数",
    "stopped_already": "{sku} 已经人工停售。",
    "stopped": "{sku} 已在所有渠道停售。各店铺几秒内收到。",
    "resumed": "{sku} 恢复销售。",
    "tried": "{sku} 试销 {n} 件。",
}
ACTS = ("stop", "resume", "trial")


@dataclass(frozen=True, slots=True)
class SaleActs:
    """Stops and resumes the sale of the SKU of one open page."""

    frame: Frame
    sku: str

    def __post_init__(self) -> None:
        for name, handler in (("stop", self._stop), ("resume", self._resume), ("trial", self._trial)):
            self.frame.on(name, Action.STOP_SALE, handler)

    def buttons(self, stop: Stop | None) -> Markup:
        """Draw the buttons that apply; one that may not be pressed says who may. `stop` is what is under way."""
        why = "" if self.frame.may(Action.STOP_SALE) else not_allowed(Action.STOP_SALE)
        found = [self._button(name, TEXTS[word], why) for name, word in _apply(stop)]
        return tag("div", tag("div", found, class_="row"), tag("small", why) if why else None, class_="sale-acts")

    def dialogs(self) -> Markup:
        """Draw the forms behind the buttons."""
        return Markup().join(self._dialog(name) for name in ACTS)

    def _button(self, name: str, word: str, why: str) -> Markup:
        loudness = "danger" if name == "stop" else None
        return tag(
            "button",
            word,
            id=f"act-{name}",
            data_dialog=dialog_id(name),
            disabled=bool(why),
            title=why or None,
            class_=loudness,
        )

    def _dialog(self, name: str) -> Markup:
        entry = tag("input", type="number", name="units", min=1, max=MOST_TRIAL, required=True)
        units = tag("label", tag("span", TEXTS["units"]), entry) if name == "trial" else None
        title = TEXTS[f"{name}_title"].format(sku=self.sku)
        return ask(Ask(name, title, TEXTS[f"{name}_why"], TEXTS[f"{name}_yes"], units, name == "stop"))

    async def _stop(self, given: dict[str, str], by: By) -> str:
        async with self.frame.desk.database.transaction() as tx:
            done = await breakers.stop(tx, self.sku, Stopper(by.actor, by.now, reason_of(given)))
        return TEXTS["stopped" if done else "stopped_already"].format(sku=self.sku)

    async def _resume(self, given: dict[str, str], by: By) -> str:
        return await self._again(given, by, None)

    async def _trial(self, given: dict[str, str], by: By) -> str:
        return await self._again(given, by, whole(given.get("units", "")))

    async def _again(self, given: dict[str, str], by: By, trial: int | None) -> str:
        async with self.frame.desk.database.transaction() as tx:
            await breakers.resume(tx, self.sku, trial, Stopper(by.actor, by.now, reason_of(given)))
        return TEXTS["resumed" if trial is None else "tried"].format(sku=self.sku, n=trial)


def _apply(stop: Stop | None) -> list[tuple[str, str]]:
    """Name the acts that apply and their words: what a person stopped already cannot be stopped again."""
    if stop is None:
        return [("stop", "stop")]
    by_hand = stop.cause == Cause.HAND and stop.trial_at is None
    again = [] if by_hand else [("stop", "stop" if stop.trial_left else "keep")]
    return [("resume", "resume"), ("trial", "trial"), *again]


def whole(words: str) -> int:
    """Read how many units a trial lets through; BadInput says what to fill in."""
    if words.isascii() and words.isdigit() and 0 < int(words) <= MOST_TRIAL:
        return int(words)
    raise BadInput(TEXTS["bad_units"].format(most=MOST_TRIAL))
