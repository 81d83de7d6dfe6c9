"""What every question for a shop's orders by number minds: the shop's pace, its token, its bulkhead."""

from activities.bulkhead import Bulkhead
from activities.channels import Pace, TokenKeeper
from activities.ports_completeness import OrderRoll
from domain.errors import TokenRejected
from domain.pulling import Roll, Window
from domain.shops import Shop


class CarefulRoll:
    """A channel that says which orders it has, asked at its pace and behind the bulkhead of its lists."""

    def __init__(self, shop: Shop, channel: OrderRoll, pace: Pace, keeper: TokenKeeper, lists: Bulkhead) -> None:
        self._shop = shop
        self._channel = channel
        self._pace = pace
        self._keeper = keeper
        self._lists = lists

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page; a dead token is noted, so that the next call renews it."""
        await self._pace()
        try:
            name = f"roll {window.start} {window.end} {cursor}"
            return await self._lists.run(name, lambda: self._channel.roll(window, cursor))
        except TokenRejected:
            await self._keeper.spoil(self._shop)
            raise
