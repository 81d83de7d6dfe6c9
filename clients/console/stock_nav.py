"""What the pages of stock share: the navigation among them, and the word for somebody who may not see one."""

from collections.abc import Awaitable, Callable

from markupsafe import Markup

from clients.console.frame import Frame, not_allowed
from clients.console.html import badge, body, tag
from clients.console.lists import tabs
from domain.permissions import Action

LABEL = "库存的各页"
SECTIONS: list[tuple[str, str, Action]] = [
    ("/stock", "库存", Action.SEE_STOCK),
    ("/pools", "渠道池", Action.SEE_STOCK),
    ("/breakers", "熔断", Action.SEE_STOCK),
    ("/stock/counts", "盘点", Action.SEE_SUPPLY),
    ("/stock/approvals", "审批", Action.SEE_SUPPLY),
    ("/stock/transfers", "调拨", Action.SEE_SUPPLY),
    ("/stock/inbound", "到货", Action.SEE_SUPPLY),
    ("/stock/reports", "报表", Action.SEE_SUPPLY),
]
"""Address and word of each page in their order below the header, and who sees it."""


def sections(frame: Frame, active: str) -> Markup:
    """Link to the pages of stock that this person may see."""
    seen = [(word, path, None, path == active) for path, word, action in SECTIONS if frame.may(action)]
    return tabs(seen, LABEL)


def supply_only(frame: Frame, read: Callable[[], Awaitable[Markup]]) -> Callable[[], Awaitable[Markup]]:
    """Give a page to those who see counts, transfers and shipments; the others are told who does."""

    async def refuse() -> Markup:
        return body(tag("p", badge(not_allowed(Action.SEE_SUPPLY), "warn")))

    return read if frame.may(Action.SEE_SUPPLY) else refuse
