"""The people in the warehouse: they accept, pick, pack, weigh and hand over, and report each step to the ERP.

Owns the pace of the work and how units are divided into parcels; stock is the warehouse's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import httpx

from simulator import qimen
from simulator.qimen_reports import confirmation, process_report
from simulator.seeds import Lots, jittered, rng
from simulator.sending import Lane, Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings import Profile, Wms
from simulator.tally import Tasks
from simulator.warehouse import STAGES, Delivery, Fulfilment, Package, Warehouse

# How each carrier's numbers look: prefix and count of digits.
WAYBILLS = {
    "SF": ("SF", 13),
    "YTO": ("YT", 13),
    "ZTO": ("78", 12),
    "STO": ("77", 13),
    "YUNDA": ("46", 13),
    "JD": ("JDVC", 11),
    "EMS": ("11", 11),
    "EYB": ("11", 11),
    "POSTB": ("98", 11),
    "HTKY": ("JT", 13),
}
MOST_PACKAGES = 3


@dataclass
class Picking:
    """Works on every fulfilment the warehouse accepts; `hand_over` gives a parcel to the courier."""

    settings: Wms
    gateway_url: str
    warehouse: Warehouse
    sender: Sender
    tasks: Tasks
    profile: Profile
    seed: int
    hand_over: Callable[[Delivery, Package], None]
    _waybills: set[str] = field(default_factory=set)
    _lost: Lots = field(init=False)

    def __post_init__(self) -> None:
        self._lost = Lots(self.seed, "lost confirm", self.profile.confirm_lost_share)

    def begin(self, fulfilment: Fulfilment) -> None:
        self.tasks.spawn(self._work(fulfilment))

    async def _work(self, fulfilment: Fulfilment) -> None:
        source = rng(self.seed, "wms", fulfilment.delivery.code)
        lane = self.sender.lane("wms")
        late = rng(self.seed, "late report", fulfilment.delivery.code)
        for stage in STAGES:
            await self._step(source)
            await fulfilment.released.wait()
            if fulfilment.cancelled:
                lane.flush()
                return
            self.warehouse.advance(fulfilment, stage)
            hold = late.random() < self.profile.reorder_share
            if stage in self.profile.reported_stages:
                body = process_report(fulfilment, stage, self.settings)
                letter = self._letter(f"{fulfilment.delivery.code}-{stage}", "orderprocess.report", body)
                lane.post(letter, hold=hold)
        departures = divide(source, fulfilment.delivery, self.profile)
        for n, parcels in enumerate(departures, start=1):
            await self._step(source)
            self._ship(lane, fulfilment, parcels, final=n == len(departures))

    async def _step(self, source: Random) -> None:
        await asyncio.sleep(jittered(source, self.profile.wms_step, self.profile.jitter))

    def _ship(self, lane: Lane, fulfilment: Fulfilment, parcels: list[Counter[str]], *, final: bool) -> None:
        delivery = fulfilment.delivery
        packages = [Package(self.waybill(delivery), delivery.carrier, units) for units in parcels]
        self.warehouse.ship(fulfilment, packages, final=final)
        for package in packages:
            self.hand_over(delivery, package)
        if final and self._lost.draw():
            self.sender.count("confirms_lost")
            lane.flush()
            return
        code = f"{fulfilment.id}-{len(fulfilment.packages)}"
        body = confirmation(fulfilment, packages, self.settings, out_biz_code=code, final=final)
        lane.post(self._letter(f"{delivery.code}-{code}", "deliveryorder.confirm", body))

    def waybill(self, delivery: Delivery) -> str:
        """Draw the next waybill of a delivery, in the shape of its carrier."""
        prefix, digits = WAYBILLS.get(delivery.carrier, ("9", 11))
        source = rng(self.seed, "waybill", delivery.code)
        while (number := f"{prefix}{source.randrange(10**digits):0{digits}d}") in self._waybills:
            pass
        self._waybills.add(number)
        return number

    def post(self, name: str, method: str, body: bytes) -> None:
        """Send one more message to the ERP."""
        self.sender.lane("wms").post(self._letter(name, method, body))

    def _letter(self, name: str, method: str, body: bytes) -> Letter:
        def sign() -> Request:
            return qimen.signed_call(self.settings, f"{self.gateway_url}/in/qimen/{self.settings.shop}", method, body)

        return Letter("wms", name, sign, _read)


def divide(source: Random, delivery: Delivery, profile: Profile) -> list[list[Counter[str]]]:
    """Divide the units: departures (one confirm each), in each the parcels, in each units by line."""
    split = source.random() < profile.split_package_share
    partial = source.random() < profile.partial_confirm_share
    units = [line.no for line in delivery.lines for _ in range(line.quantity)]
    source.shuffle(units)
    departures = _heaps(units, 2) if partial else [units]
    return [
        [Counter(heap) for heap in _heaps(one, source.randint(2, MOST_PACKAGES) if split else 1)] for one in departures
    ]


def _heaps(units: list[str], count: int) -> list[list[str]]:
    count = min(count, len(units))
    return [units[n::count] for n in range(count)]


def _read(response: httpx.Response) -> Verdict:
    verdict = verdict_of_status(response.status_code)
    if verdict is Verdict.ACCEPTED and not qimen.says_success(response.content):
        return Verdict.AGAIN
    return verdict
