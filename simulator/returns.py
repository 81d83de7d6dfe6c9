"""Buyers who send goods back, and the warehouse's desk that opens their parcels.

Owns what comes of an announced return, from the seed: all good, damaged, fewer, something else, in a parcel without our
number, or never. Also parcels that nobody announced. Stock is the warehouse's, the way to it the courier's.
"""

import asyncio
from collections import Counter

from simulator.courier import CourierService
from simulator.picking import Picking
from simulator.qimen import Refused
from simulator.qimen_returns import BackLine, Expected, Stocked, confirmation
from simulator.seeds import Lots, jittered, rng
from simulator.settings import FATES, Fate, Profile
from simulator.warehouse import DEFECTIVE, GOOD, Warehouse


class Returns:
    """Keeps what was announced; its messages go the way of the pickers'."""

    def __init__(self, warehouse: Warehouse, picking: Picking, profile: Profile, seed: int) -> None:
        self._warehouse = warehouse
        self._picking = picking
        self._profile = profile
        self._seed = seed
        self._lost = Lots(seed, "lost return confirm", profile.confirm_lost_share)
        self.courier: CourierService | None = None
        self.expected: dict[str, Expected] = {}
        self.strays: list[Expected] = []

    def return_id(self, code: str) -> str:
        """Draw the warehouse's own number of a return."""
        return f"TH{rng(self._seed, 'return', code).randrange(10**10):010d}"

    def accept(self, back: Expected) -> Expected:
        """Take note of a return; a repeated code gives the first one. Raises Refused."""
        known = self.expected.get(back.code)
        if known is not None:
            if known.status == "CANCELED":
                raise Refused("order-canceled", "the code belongs to a cancelled return order")
            known.creates += 1
            if not known.waybill:
                known.carrier, known.waybill = back.carrier, back.waybill
            self._under_way(known)
            return known
        skus = {sku for sku, _ in self._warehouse.stock}
        for line in back.lines:
            if line.sku not in skus:
                raise Refused("item-not-found", f"itemCode {line.sku} is not known to the warehouse")
        self.expected[back.code] = back
        back.fate = self._fate(back)
        self._under_way(back)
        if self._profile.return_after is not None and back.fate != "never":
            self._picking.tasks.spawn(self._come(back))
        return back

    def cancel(self, code: str) -> bool:
        """Expect a return no more; False when it is none of ours. Raises Refused once goods are there."""
        back = self.expected.get(code)
        if back is None:
            return False
        if back.received:
            raise Refused("order-received", "the goods have been received: it cannot be cancelled")
        back.status = "CANCELED"
        return True

    def find(self, code: str) -> Expected:
        """Find a return by the ERP's code; raises Refused."""
        if code not in self.expected:
            raise Refused("order-not-found", "the return order is not known")
        return self.expected[code]

    def send(self, code: str, fate: Fate, waybill: str = "") -> Expected:
        """Let the parcel of an announced return arrive now, whatever the plan was."""
        back = self.find(code)
        back.fate = fate
        back.waybill = waybill or back.waybill
        self._arrive(back)
        return back

    def stray(self, sku: str, units: int, waybill: str = "") -> Expected:
        """Let a parcel come that nobody announced."""
        line = BackLine("1", "", sku, units)
        back = Expected("", self.return_id(f"stray {len(self.strays)}"), "THRK", (line,), "SF", waybill, "unnamed")
        self.strays.append(back)
        self._arrive(back)
        return back

    async def stray_parcels(self) -> None:
        """Send the parcels of nobody that the world says."""
        skus = sorted({sku for sku, condition in self._warehouse.stock if condition == GOOD})
        for n in range(self._profile.stray_returns):
            source = rng(self._seed, "stray", n)
            await asyncio.sleep(jittered(source, self._profile.return_after or 0.5, self._profile.jitter))
            self.stray(source.choice(skus), source.randint(1, 2))

    def finished(self) -> bool:
        """Tell whether every parcel that buyers send has been opened."""
        due = [one for one in self.expected.values() if one.status != "CANCELED" and one.fate != "never"]
        return self._profile.return_after is None or all(one.received for one in due)

    def _fate(self, back: Expected) -> Fate:
        shares = self._profile.return_fates
        left = rng(self._seed, "return fate", back.code).random()
        for fate in FATES:
            left -= shares.get(fate, 0.0)
            if left < 0:
                return fate
        return "good"

    async def _come(self, back: Expected) -> None:
        after = self._profile.return_after or 0.0
        await asyncio.sleep(jittered(rng(self._seed, "return way", back.code), after, self._profile.jitter))
        if back.status != "CANCELED" and not back.received:
            self._arrive(back)

    def _arrive(self, back: Expected) -> None:
        """Open a parcel, put its units where they belong, and confirm it unless the confirm gets lost."""
        units = self._units(back)
        back.waybill = back.waybill or f"SF{rng(self._seed, 'return waybill', back.id).randrange(10**13):013d}"
        if self.courier is not None:
            self.courier.bring(back.waybill)
        back.received.update(units)
        back.confirms += 1
        back.status = "FULFILLED"
        self._warehouse.stock.update(units)
        if back.code and self._lost.draw():
            self._picking.sender.count("return_confirms_lost")
            return
        body = confirmation(back, units, self._picking.settings, named=back.fate != "unnamed")
        self._picking.post(f"{back.id}-{back.confirms}", "returnorder.confirm", body)

    def _under_way(self, back: Expected) -> None:
        """Let the courier have the parcel of a return whose waybill is known, on the way back from its buyer."""
        went = self._warehouse.fulfilments.get(back.before)
        if self.courier is not None and went is not None and back.waybill and not back.received:
            self.courier.take_back((back.carrier, back.waybill), went.delivery.receiver, went.delivery.sender)

    def _units(self, back: Expected) -> Counter[Stocked]:
        """Say what lies in the parcel."""
        if back.fate == "other":
            announced = {line.sku for line in back.lines}
            others = sorted({sku for sku, _ in self._warehouse.stock} - announced)
            return Counter({(others[0] if others else back.lines[0].sku, GOOD): 1})
        units: Counter[Stocked] = Counter()
        for line in back.lines:
            units[line.sku, GOOD] += line.quantity
        first = (back.lines[0].sku, GOOD)
        if back.fate == "damaged":
            return Counter({(sku, DEFECTIVE): quantity for (sku, _), quantity in units.items()})
        if back.fate in ("fewer", "mixed") and sum(units.values()) > 1:
            units[first] -= 1
            if back.fate == "mixed":
                units[first[0], DEFECTIVE] += 1
        return +units
