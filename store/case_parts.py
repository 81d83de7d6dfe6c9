"""What the lines of a case are made of, as the order shipped them, and what of it came back (INV-1, AFT-6).

A bundle may be changed after it was sold: what was promised by a warehouse counts, then what was held. Only of an order
that held nothing here (it was taken over from elsewhere) the bundle as it is sold today is the best we know.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bundles import Composed
from domain.returned import Back, came_back
from store import bundles, cases, stock

_ORDERED = text("SELECT line_no, sku, quantity, dropped FROM order_line WHERE order_key = :key ORDER BY line_no")
_PROMISED = text(
    """
    SELECT a.line_no, a.sku, sum(a.quantity)::int AS quantity
    FROM allocation a JOIN fulfillment f ON f.no = a.fulfillment_no
    WHERE a.order_key = :key AND f.state <> 'cancelled' GROUP BY a.line_no, a.sku ORDER BY a.line_no, a.sku
    """
)
_CAME = text(
    """
    SELECT sku, coalesce(sum(quantity) FILTER (WHERE grade = 'good'), 0)::int AS good,
        coalesce(sum(quantity) FILTER (WHERE grade <> 'good'), 0)::int AS damaged
    FROM return_receipt WHERE case_no = :no GROUP BY sku
    """
)


class _Line(Protocol):
    """Units of an order's line."""

    @property
    def line_no(self) -> str: ...
    @property
    def quantity(self) -> int: ...


async def ordered(tx: AsyncConnection, key: str) -> dict[str, Composed]:
    """Give the lines of an order and what they were made of when it shipped, by line number."""
    rows = (await tx.execute(_ORDERED, {"key": key})).all()
    promised = _by_line((await tx.execute(_PROMISED, {"key": key})).all())
    held = _by_line(await stock.ever_held(tx, key))
    today = await bundles.components(tx, (row.sku for row in rows))
    found: dict[str, Composed] = {}
    for row in rows:
        units = row.quantity - row.dropped or row.quantity
        parts = promised.get(row.line_no) or held.get(row.line_no) or _times(today.get(row.sku, {}), units)
        alone = not parts or set(parts) == {row.sku}
        found[row.line_no] = Composed(row.line_no, row.sku, units, {row.sku: units} if alone else parts)
    return found


async def composed(tx: AsyncConnection, key: str, lines: Sequence[_Line | Row[Any]]) -> list[Composed]:
    """Give what so many units of these lines of an order are made of."""
    known = await ordered(tx, key)
    return [known[line.line_no].of(line.quantity) for line in lines]


async def came(tx: AsyncConnection, no: str) -> dict[str, tuple[int, int]]:
    """Give what came back for a case, by SKU: good and damaged."""
    return {row.sku: (row.good, row.damaged) for row in await tx.execute(_CAME, {"no": no})}


async def back(tx: AsyncConnection, row: Row[Any]) -> dict[str, Back]:
    """Give what of a case's lines came back, by line number."""
    return came_back(await composed(tx, row.order_key, await cases.lines(tx, row.no)), await came(tx, row.no))


def _by_line(parts: Sequence[Any]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in parts:
        found.setdefault(one.line_no, {})[one.sku] = one.quantity
    return found


def _times(parts: Mapping[str, int], units: int) -> dict[str, int]:
    return {sku: n * units for sku, n in parts.items()}
