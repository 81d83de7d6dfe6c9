"""`make bench`: whole orders per second beside a skeleton, what one order costs, intake, memory, a rush on one SKU,
reservations beside what PostgreSQL allows, how soon every channel's stock is known, and the console's pages."""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks import buyers, console, intake, memory, orders, recompute, reservation
from tests.benchmarks.machine import servers
from tests.workflows.house import House


async def measure() -> dict[str, Any]:
    """Take one measure after the other, each with the machine for itself."""
    figures: dict[str, Any] = {"order": await orders.measure()}
    show("order", figures["order"])
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
    return figures


def show(name: str, value: Any) -> None:
    """Print a figure or a group of them."""
    for part, figure in value.items() if isinstance(value, dict) else {"": value}.items():
        print(f"{f'{name} {part}':>36} {figure}", flush=True)


def main() -> None:
    """Measure, print, write build/bench.json."""
    figures = uvloop.run(measure())
    with tempfile.TemporaryDirectory() as folder:
        figures["console"] = asyncio.run(console.measure(Path(folder)))
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps(figures, indent=1))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
