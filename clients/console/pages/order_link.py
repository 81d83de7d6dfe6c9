"""The card with which an agent gives a buyer a way in: a one-time link to this order's page (AFT-1)."""

from markupsafe import Markup

from clients.clock import Clock
from clients.console.frame import Desk, Frame, not_allowed
from clients.console.html import Child, tag
from clients.settings import PortalSettings
from domain.permissions import Action
from store.portal_access import LINK_LASTS, PortalAccess
from store.replay import By

TEXTS = {
    "title": "买家自助页面",
    "what": "买家用这个链接看包裹、申请售后，不用登录。只能用一次，{days} 天内有效；只发给买家本人。",
    "make": "生成链接",
    "again": "再生成一个",
    "copy": "复制链接",
    "made": "链接已生成，请复制后发给买家。",
}
MAKE = "buyer-link"


class BuyerLink:
    """The link that was made on one open page; it is shown to whoever made it alone, and kept nowhere."""

    def __init__(self, desk: Desk, frame: Frame, key: str) -> None:
        self._frame = frame
        self._key = key
        self._access = PortalAccess(desk.database, desk.ring)
        self._clock: Clock = desk.clock
        self._made = ""
        frame.on(MAKE, Action.LINK_BUYER, self._make)

    def card(self) -> Markup:
        """Draw the card; whoever may not make links is told who may."""
        may = self._frame.may(Action.LINK_BUYER)
        button = tag("button", TEXTS["again" if self._made else "make"], data_act=MAKE, id=MAKE, disabled=not may)
        made: Child = None
        if self._made:
            entry = tag("input", value=self._made, readonly=True, id="buyer-url", aria_label=TEXTS["title"])
            made = tag("div", entry, tag("button", TEXTS["copy"], data_copy=self._made), class_="row")
        why = None if may else tag("small", not_allowed(Action.LINK_BUYER))
        words = tag("p", TEXTS["what"].format(days=LINK_LASTS.days), class_="faint")
        press = tag("div", button, why, class_="acts")
        return tag("section", tag("h2", TEXTS["title"]), words, made, press, class_="card")

    async def _make(self, _: dict[str, str], by: By) -> str:
        self._made = PortalSettings().link(await self._access.make_link(self._key, by))
        return TEXTS["made"]
