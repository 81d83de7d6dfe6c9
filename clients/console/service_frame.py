"""What the pages of service share: where they lead, how a state looks, who may see them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from secrets import token_hex

from markupsafe import Markup

from clients.console.frame import Frame, not_allowed
from clients.console.html import badge, body, empty, link, order_url, tag
from clients.console.lists import tabs
from clients.console.service_words import STATES
from clients.servicing import Servicing
from clients.settings import ClientSettings
from domain.permissions import Action

BOARD, EXCEPTIONS, RECEIVABLES = "/service", "/exceptions", "/receivables"
MOST_WORDS = 4000
TEXTS = {
    "board": "客服看板",
    "exceptions": "异常单",
    "receivables": "应收变动",
    "sections": "客服分组",
    "nobody": "无人负责",
    "none": "—",
}


@dataclass
class Nonces:
    """The names of the forms of one page: a form keeps its name, and what was typed, until it was taken."""

    _known: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Give the name under which a form is one wish, however often it is sent."""
        return self._known.setdefault(name, token_hex(8))

    def hidden(self, name: str) -> dict[str, str]:
        """Give what the form sends along."""
        return {"nonce": self.of(name)}

    def taken(self, name: str) -> None:
        """Let the next form of this kind be another wish."""
        self._known.pop(name, None)


def service_of(frame: Frame) -> Servicing:
    """Give what opens and decides."""
    desk = frame.desk
    return Servicing(desk.database, desk.ring, desk.clock, ClientSettings().profile)


def service_only(frame: Frame, read: Callable[[], Awaitable[Markup]]) -> Callable[[], Awaitable[Markup]]:
    """Show a part to who may see the service board; others are told who may."""

    async def refuse() -> Markup:
        return body(empty(not_allowed(Action.SEE_SERVICE)))

    return read if frame.may(Action.SEE_SERVICE) else refuse


def sections(here: str) -> Markup:
    """Lead from the board to the exceptions, to what they change for finance, and back."""
    items: list[tuple[str, str, object, bool]] = [
        (TEXTS["board"], BOARD, None, here == BOARD),
        (TEXTS["exceptions"], EXCEPTIONS, None, here == EXCEPTIONS),
        (TEXTS["receivables"], RECEIVABLES, None, here == RECEIVABLES),
    ]
    return tabs(items, TEXTS["sections"])


def state_badge(state: str) -> Markup:
    """Show how something stands."""
    words, tone = STATES.get(state, (state, "calm"))
    return badge(words, tone)


def page_of(process: str, no: str) -> str:
    """Name the page of something on the board."""
    return {"ticket": f"{BOARD}/{no}", "exception": f"{EXCEPTIONS}/{no}"}.get(process, f"/cases/{no}")


def order_link(key: str) -> Markup:
    """Lead to an order; a dash where none is known."""
    if not key:
        return tag("span", TEXTS["none"], class_="faint")
    return link(order_url(key), key.split(":", 2)[-1], class_="num")


def owner_of(owner: str) -> Markup:
    """Name who has it; loudly when nobody does."""
    return tag("span", owner) if owner else badge(TEXTS["nobody"], "warn")
