"""`make bench`: whole orders per second beside a skeleton, what one order costs, intake, memory, a rush on one SKU,
reservations beside what PostgreSQL allows, how soon every channel's stock is known, the way in of all channels, and the
console's pages. `python -m tests.benchmarks channels` takes the way in alone and leaves the other figures as they are.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks import buyers, channels, console, full, intake, memory, orders, recompute, reservation
from tests.benchmarks.machine import servers
from tests.workflows.house import House


async def measure() -> dict[str, Any]:
    """Take one measure after the other, each with the machine for itself."""
    figures: dict[str, Any] = {"order": await orders.measure()}
    show("order", figures["order"])
    figures["order"] |= (whole := await full.measure())
    show("order", whole)
    figures["memory_kb_per_open_order"] = await memory.measure()
    show("memory_kb_per_open_order", figures["memory_kb_per_open_order"])
    async with servers() as hosts:
        house = House(hosts.client, hosts.database, hosts.ring)
        await house.furnish()
        figures["intake"] = await intake.measure(hosts, house)
        show("intake", figures["intake"])
        figures["one_sku"] = await buyers.measure(hosts, house)
        show("one_sku", figures["one_sku"])
        figures["reservation"] = await reservation.measure(hosts)
    figures["reservation"] |= await recompute.measure()
    show("reservation", figures["reservation"])
    return figures | await way_in()


async def way_in(asked: Sequence[str] = ()) -> dict[str, Any]:
    """Take the measures of the channels alone, all or those that are asked for."""
    figures = {"channels": await channels.measure(asked)}
    show("channels", figures["channels"])
    return figures


def show(name: str, value: Any) -> None:
    """Print a figure or a group of them."""
    for part, figure in value.items() if isinstance(value, dict) else {"": value}.items():
        print(f"{f'{name} {part}':>36} {figure}", flush=True)


def main() -> None:
    """Measure, print, write build/bench.json."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    path = build / "bench.json"
    if sys.argv[1:2] == ["channels"]:
        kept = json.loads(path.read_text()) if path.exists() else {}
        found = uvloop.run(way_in(sys.argv[2:]))["channels"]
        figures = kept | {"channels": kept.get("channels", {}) | found}
    else:
        figures = uvloop.run(measure())
        with tempfile.TemporaryDirectory() as folder:
            figures["console"] = asyncio.run(console.measure(Path(folder)))
    path.write_text(json.dumps(figures, indent=1))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
