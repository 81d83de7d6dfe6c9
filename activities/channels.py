"""What every call to a sales channel minds: its pace and its access token. Owns when a token is renewed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from activities.ports import Clock, SalesChannel, Tokens
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, FullPace, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, OrderObserved
from domain.pulling import Page, Window
from domain.shops import Shop, Token
from domain.stock_push import Batch, ListingKey

T = TypeVar("T")
RENEWAL_SECONDS = 2.0
"""After this the token that somebody else is renewing should be there."""
TURN_SECONDS, TURNS_WAITED = 0.05, 30
"""A call looks so often, and so many times, whether its turn has come: a drain has a place of its own to wait in."""
LATER_SECONDS = 2.0
STOCK_SHARE = 0.5
"""So much of an account's pace is for telling stock at most: a sale that changes ten thousand quantities leaves room
for the parcels that have to be told."""


class Paces:
    """The pace of every account, kept by this process (INT-16)."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, vendor: str, code: str, per_second: float) -> None:
        """Let one call pass when its turn comes; raise FullPace when that is not soon."""
        item = RateLimitItemPerSecond(max(1, int(per_second)))
        for _ in range(TURNS_WAITED):
            if self._limiter.hit(item, vendor, code):
                return
            await asyncio.sleep(TURN_SECONDS)
        raise FullPace(f"{vendor}/{code} is called at its full pace", LATER_SECONDS)


Pace = Callable[[], Awaitable[None]]
"""Lets one call pass when its turn comes."""


class RenewableChannel(SalesChannel, Protocol):
    """A sales channel that can renew its token."""

    async def renew(self) -> Token: ...


class TokenKeeper:
    """Renews access tokens in time, one process at a time."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._unsaved: dict[tuple[str, str], Token] = {}

    async def fresh(self, shop: Shop, build: Callable[[Shop], RenewableChannel]) -> Shop:
        """Give the shop with a token that may be used; Unavailable while another process renews a dead one.

        A renewed one that the database could not take is kept here and stored with the next call: a refresh token works
        once, and with the new one lost the shop would have to be authorised anew.
        """
        if kept := self._unsaved.get((shop.vendor, shop.code)):
            return await self._saved(shop, kept)
        now, token = self._clock(), shop.token
        if token is None or token.renew_at is None or now < token.renew_at:
            return shop
        dead = token.expires_at is not None and now >= token.expires_at
        if not await self._tokens.claim(shop, token.version, now):
            if dead:
                raise Unavailable(f"the token of {shop.vendor}/{shop.code} is being renewed", RENEWAL_SECONDS)
            return shop
        return await self._renewed(shop, build, dead)

    async def _renewed(self, shop: Shop, build: Callable[[Shop], RenewableChannel], dead: bool) -> Shop:
        try:
            token = await build(shop).renew()
        except Unavailable:
            await self._tokens.unclaim(shop)  # whoever asks next tries again; a refresh token that was used up says so
            raise
        except (Refused, Broken) as error:
            await self._tokens.lost(shop, str(error), self._clock())
            if dead:
                raise Unavailable(f"{shop.vendor}/{shop.code} has to be authorised anew: {error}") from error
            return shop
        return await self._saved(shop, token)

    async def _saved(self, shop: Shop, token: Token) -> Shop:
        if shop.token is None or shop.token.version < token.version:
            self._unsaved[shop.vendor, shop.code] = token
            await self._tokens.save(shop, token, self._clock())
            shop = replace(shop, token=token)
        self._unsaved.pop((shop.vendor, shop.code), None)
        return shop

    async def spoil(self, shop: Shop) -> None:
        """Note that the vendor does not take the token any more."""
        if shop.token is not None:
            await self._tokens.spoil(shop, shop.token.version, self._clock())


class CarefulChannel:
    """A sales channel that keeps its pace and notices a dead token."""

    def __init__(
        self, shop: Shop, channel: SalesChannel, pace: Pace, keeper: TokenKeeper, stock_pace: Pace | None = None
    ) -> None:
        self._shop = shop
        self._channel = channel
        self._pace = pace
        self._keeper = keeper
        self._stock_pace = stock_pace

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a package left."""
        await self._call(lambda: self._channel.write_back(notice))

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Tell that an order leaves later."""
        await self._call(lambda: self._channel.tell_promise(notice))

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order."""
        return await self._call(lambda: self._channel.read_order(no))

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of what changed."""
        return await self._call(lambda: self._channel.pull(window, cursor))

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the cases that changed."""
        return await self._call(lambda: self._channel.pull_cases(window, cursor))

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case."""
        return await self._call(lambda: self._channel.read_case(case_no))

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Tell what we decide about a case."""
        await self._call(lambda: self._channel.answer_case(answer))

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Tell what the shop may sell: a call among those of its kind first, then among all."""
        if self._stock_pace is not None:
            await self._stock_pace()
        return await self._call(lambda: self._channel.push_stock(batch))

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._pace()
        try:
            return await call()
        except TokenRejected:
            await self._keeper.spoil(self._shop)
            raise
