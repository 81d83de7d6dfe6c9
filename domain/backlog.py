"""Too much sold and not yet shipped (INV-8): when live channels are shown less of a SKU. Owns the rule.

Lowered at once when reserved and allocated units exceed `backlog_percent` of what is available (atp); restored when
they are down to nine tenths of that (30 % lowers, 27 % restores), so that a SKU at the line does not go to and fro with
every order. Lowering needs the counters alone; between both lines it counts whether the SKU was lowered, which is the
one thing that has to be remembered.
"""

from domain.exposure import WHOLE
from domain.stock import Counters
from domain.stock_rules import StockRules

RESTORED_AT_PERCENT = 90
"""Of the line at which a SKU is lowered."""


def lowered(counters: Counters, rules: StockRules, was: bool) -> bool:
    """Say whether live channels are shown less; `was` says whether they were a moment ago."""
    line = rules.backlog_percent * (RESTORED_AT_PERCENT if was else WHOLE)
    return waiting(counters) * WHOLE * WHOLE > line * counters.atp


def waiting(counters: Counters) -> int:
    """Count the units that are sold and not yet shipped."""
    return counters.reserved + counters.allocated


def told(counters: Counters, rules: StockRules) -> str:
    """Say why a SKU is lowered."""
    channels = ", ".join(rules.live_channels)
    line = f"more than {rules.backlog_percent} % of the {counters.atp} available"
    return f"{waiting(counters)} units wait to be shipped, {line}: {channels} sees {rules.live_weight_percent} %"
