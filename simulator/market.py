"""What the marketplaces have in common: a shop's tokens, its counters and its orders. Owns no wire format."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from simulator.cases import Cases, SaleCase
from simulator.listings import Listings
from simulator.seeds import rng
from simulator.settings import Profile
from simulator.settings_shops import Douyin, Seller, Taobao
from simulator.shop import ShopOrder
from simulator.tally import Tasks

HEX_DIGITS = "0123456789abcdef"
DIGITS_OF_A_TOKEN = 48
# What a vendor says of a token's life when no `token_seconds` makes it shorter: a week.
WEEK_SECONDS = 604_800


class ListsDead(Exception):
    """`pull_dead`: lists answer 503 and nothing else; so does stock while it cannot be told."""


class Unheard(Exception):
    """The caller will not hear the answer: work that must not be lost with it is left undone."""


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str
    expires_in: int


class Purse:
    """The tokens of one shop: one access token lives at a time, a refresh token works once."""

    def __init__(self, settings: Taobao | Douyin | Seller, seconds: float | None, seed: int) -> None:
        self._name = (settings.vendor, settings.shop)
        self._seconds = seconds
        self._seed = seed
        self._drawn = 0
        self._dies_at = monotonic() + seconds if seconds else None
        self.access = settings.access.get_secret_value()
        self.refresh = settings.refresh_token.get_secret_value()

    def holds(self, access: str) -> bool:
        """Tell whether this is the access token, alive or expired."""
        return access == self.access

    @property
    def expired(self) -> bool:
        return self._dies_at is not None and monotonic() >= self._dies_at

    def renew(self) -> Tokens:
        """Draw new tokens; the old ones are dead at once."""
        self._drawn += 1
        source = rng(self._seed, "token", *self._name, self._drawn)
        self.access, self.refresh = ("".join(source.choices(HEX_DIGITS, k=DIGITS_OF_A_TOKEN)) for _ in range(2))
        self._dies_at = monotonic() + self._seconds if self._seconds else None
        return Tokens(self.access, self.refresh, int(self._seconds or WEEK_SECONDS))


@dataclass(frozen=True)
class Surroundings:
    """What every shop lives in."""

    orders: Mapping[str, ShopOrder]
    profile: Profile
    seed: int
    tasks: Tasks
    listings: Listings
    cases: Cases


class Market:
    """One shop on a marketplace.

    `waybills`, how it is told of parcels: `each` its own, `one` for each line or order, `all` also of parcels that
    complete nothing, `shown`: it shows what may still leave and is not told of more. `uncharged`: of an order that was
    called off it says no more that it was paid.
    """

    waybills = "each"
    uncharged = False

    def __init__(self, settings: Taobao | Douyin | Seller, around: Surroundings) -> None:
        self.name = (settings.vendor, settings.shop)
        self.seed = around.seed
        self.shelf = around.listings.shelf(self.name)
        self.purse = Purse(settings, around.profile.token_seconds, around.seed)
        self.counts: Counter[str] = Counter()
        self.pull_dead = settings.pull_dead
        self.answers = around.cases
        self._around = around
        self._calls = 0

    def limited(self) -> bool:
        """Draw whether this call is one too many."""
        self._calls += 1
        return rng(self.seed, "limit", *self.name, self._calls).random() < self._around.profile.limit_share

    def find(self, no: str) -> ShopOrder | None:
        """Find an order of this shop that it shows."""
        order = self._around.orders.get(no)
        return order if order is not None and order.listed and self._mine(order) else None

    def cases(self) -> Iterator[SaleCase]:
        """List the after-sales cases of this shop."""
        return self.answers.of_shop(self.name)

    def find_case(self, no: str) -> SaleCase | None:
        return self.answers.find(self.name, no)

    def case_name(self, case: SaleCase) -> str:
        """Say under which number a case is told: its own, unless the shop counts two kinds apart."""
        return case.no

    def tell_case(self, case: SaleCase) -> None:
        """Say nothing: a change is told by waiting to be asked, unless the shop pushes."""

    def listed(self) -> Iterator[ShopOrder]:
        return (order for order in self._around.orders.values() if order.listed and self._mine(order))

    def _mine(self, order: ShopOrder) -> bool:
        return (order.plan.channel, order.plan.shop) == self.name

    def check_lists(self) -> None:
        """Raise ListsDead where lists are never answered."""
        if self.pull_dead:
            self.counts["lists_refused"] += 1
            raise ListsDead

    def take_back(self, order: ShopOrder, units: Mapping[str, int], company: str, waybill: str) -> None:
        """Book a write-back; when everything has left, the buyer confirms after a while."""
        order.send(units, company, waybill)
        self.counts["write_backs"] += 1
        seconds = self._around.profile.confirm_after
        if order.wholly_sent and seconds is not None:
            self._around.tasks.spawn(self._confirm(order, seconds))

    async def _confirm(self, order: ShopOrder, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if order.status == "paid":
            order.received_at = order.touch()
            self.tell_received(order)

    def tell_received(self, order: ShopOrder) -> None:
        """Speak of the buyer's confirmation, where the shop pushes."""

    def refuse_back(self, order: ShopOrder, waybill: str) -> None:
        """Note a write-back that came but is not taken."""
        order.refused_back[waybill] += 1
        self.counts["write_backs_refused"] += 1


class Stall(Market):
    """A shop that pushes nothing: a change is told by waiting to be asked. A platform that pushes overrides."""

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Take note of what the buyer did."""
        order.messages_sent += 1
        order.unheard = True

    async def told(self, order: ShopOrder) -> None:
        """Wait until everything said is heard: here nothing was said."""
