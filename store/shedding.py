"""What waits while the core needs all there is (INT-15): edits of remarks stay in their lane, and none is lost.

The surge is remembered by its open alert, so every process puts off and goes on with the others. Owns the two pieces of
SQL that queues by lane share: which lanes are worked off now, and whether a message of an order is an edit (INT-5).
"""

from domain.lanes import EDITS, LATER
from domain.observations import Observation, OrderObserved
from domain.orders import held, with_deposit
from domain.watch import SURGE, SURGE_OF

SURGE_KEY = f"{SURGE}:{SURGE_OF}"
IS_SURGE = f"EXISTS (SELECT FROM alert WHERE key = '{SURGE_KEY}' AND cleared_at IS NULL)"
OPEN_LANES = f"(SELECT CASE WHEN {IS_SURGE} THEN {LATER} ELSE {EDITS} END)"
"""The last lane that is worked off now; asked once a statement, and a bound of the scan of an index by lane."""
LANE = f"""
    CASE WHEN o.booked <> '' AND EXISTS (
            SELECT FROM orders b WHERE b.key = o.subject AND o.booked = concat_ws('|', b.channel_status, b.raw_status,
                b.channel_hold, b.total_minor, b.paid_minor, b.refunded_minor))
        AND NOT EXISTS (SELECT FROM observation w WHERE w.subject = o.subject AND w.state = 'new')
    THEN {EDITS} ELSE o.lane END
"""  # noqa: S608  (our own words)
"""The lane of an observation `o`. What says nothing of an order but what is booked, and has nothing before it that is
still to be booked, can bring words only: it goes last."""


def booked_state(seen: Observation) -> str:
    """Write down what of an order something hangs on, as LANE compares it; empty for what is no whole order."""
    if not isinstance(seen, OrderObserved):
        return ""
    status, hold = with_deposit(seen).status.value, "t" if held(seen) else "f"
    money = (seen.total_minor, seen.paid_minor, seen.refunded_minor)
    return "|".join((status, seen.raw_status, hold, *map(str, money)))
