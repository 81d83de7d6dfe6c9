"""Which trades a Taobao shop has, by when they were created (INT-9): numbers, states and times, nothing more.

A window is closed when it is asked for, so no trade joins it while it is read, and its pages are read from the first.
Source: the platform's API metadata, as open SDKs carry it. Its list of sold trades reaches back three months.
"""

from typing import Annotated

import httpx
from pydantic import Field, field_validator

from connectors import fields
from connectors.outbound import Clock
from connectors.platforms.taobao_top import Id, Lenient, Question, TopGateway
from domain.errors import Broken
from domain.pulling import Roll, Rolled, RollRules, Window
from domain.shops import Shop

LIST = "taobao.trades.sold.get"
ROW_FIELDS = "tid,status,created"
PAGE_SIZE, MAX_PAGES = 100, 500
RULES = RollRules(longest_seconds=86_400.0)


class _Row(Lenient):
    tid: Id = ""
    tid_str: Id = ""
    status: Id = ""
    created: str


class _Rows(Lenient):
    trade: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE)] = ()


class _Page(Lenient):
    """One page; an empty list is left out."""

    total_results: Annotated[int, Field(ge=0)] = 0
    trades: _Rows = _Rows()

    @field_validator("trades", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        return value or {}


class TaobaoRoll:
    """The trades of one shop by number."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._top = TopGateway(shop, http, clock)

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page, the first one first; every page says how many trades there are."""
        number = int(cursor or 1)
        params = {
            "fields": ROW_FIELDS,
            "start_created": fields.show_local(window.start, self._shop.tz),
            "end_created": fields.show_local(window.end, self._shop.tz),
            "page_no": str(number),
            "page_size": str(PAGE_SIZE),
        }
        ref = f"roll {window.start.isoformat()} {window.end.isoformat()} page {number}"
        page, raw = await self._top.ask(Question(LIST, ref, params), _Page)
        pages = -(-page.total_results // PAGE_SIZE)
        if pages > MAX_PAGES:
            return Roll((), page.total_results, raw, overfull=True)
        rolled = tuple(self._rolled(row, n) for n, row in enumerate(page.trades.trade))
        return Roll(rolled, page.total_results, raw, str(number + 1) if number < pages else "")

    def _rolled(self, row: _Row, n: int) -> Rolled:
        no = row.tid_str or row.tid
        if not no:
            raise Broken(f"taobao listed a trade without tid (trades.trade[{n}])")
        try:
            return Rolled(no, row.status, fields.local_time(row.created, self._shop.tz))
        except ValueError as error:
            raise Broken(f"taobao about {no}: created is {error}") from error
