"""Everything that what shops are shown is made from, as it stood at one moment (INV-1). Owns who is shown what.

The formula itself is domain/exposure.py's; the numbers are read by store/stock_state.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.backlog import lowered
from domain.exposure import WHOLE, Exposure, bundle_atp, channel_atp
from domain.safety import kept_back
from domain.stock import Counters
from domain.stock_rules import Safety, StockRules

ShopKey = tuple[str, str]
"""Channel and code of a shop; an empty code is every shop of the channel."""
PLAIN = Exposure()


@dataclass(frozen=True, slots=True)
class InPool:
    """What a pool has of a SKU: units locked and not sold, and the share of the common units that it shows."""

    locked: int = 0
    share_percent: int | None = None


NOTHING = InPool()


@dataclass(frozen=True, slots=True)
class StockState:
    """Counters by SKU, pools by code and SKU, members, safety, what is lowered, bundles; and the shops that sell.

    Of a state that was read for some SKUs the other parts speak of these alone. Every pool has its entry.
    """

    rules: StockRules
    counters: Mapping[str, Counters]
    shops: tuple[ShopKey, ...] = ()
    members: Mapping[ShopKey, str] = field(default_factory=dict)
    pools: Mapping[str, Mapping[str, InPool]] = field(default_factory=dict)
    safety: Safety = field(default_factory=dict)
    lowered: frozenset[str] = frozenset()
    bundles: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def pool_of(members: Mapping[ShopKey, str], shop: ShopKey) -> str:
    """Name the pool that a shop sells from, its own row before its channel's; empty without one."""
    return members.get(shop) or members.get((shop[0], ""), "")


class ShopView:
    """How one shop sees a state."""

    def __init__(self, state: StockState, shop: ShopKey) -> None:
        """Look up once what is the same for all SKUs."""
        self._state = state
        self._pool = state.pools.get(pool_of(state.members, shop), {})
        self._live = shop[0] in state.rules.live_channels
        core = state.rules.core_channels
        self._safety = {sku: kept_back(state.safety, sku, shop[0], core) for sku, _ in state.safety}

    def exposure(self, sku: str) -> Exposure:
        """Say how much of a counted SKU this shop is shown."""
        inside, safety, weight = self._pool.get(sku), self._safety.get(sku, 0), self._weight(sku)
        if inside is None:
            return Exposure(0, WHOLE, safety, weight) if safety or weight != WHOLE else PLAIN
        share = WHOLE if inside.share_percent is None else inside.share_percent
        return Exposure(inside.locked, share, safety, weight)

    def quantities(self) -> dict[str, int]:
        """Give what the shop may sell now of every SKU and bundle of the state."""
        shown = {sku: channel_atp(counters, self.exposure(sku)) for sku, counters in self._state.counters.items()}
        return shown | {bundle: bundle_atp(parts, shown) for bundle, parts in self._state.bundles.items()}

    def _weight(self, sku: str) -> int:
        if not self._live:
            return WHOLE
        state = self._state
        low = lowered(state.counters[sku], state.rules, sku in state.lowered)
        return state.rules.live_weight_percent if low else WHOLE


def everywhere(state: StockState) -> dict[ShopKey, dict[str, int]]:
    """Give what every shop may sell of everything."""
    return {shop: ShopView(state, shop).quantities() for shop in state.shops}
