"""The courier: parcels on the road, subscriptions, queries and pushes. Owns where each parcel truly is."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from simulator import kdniao
from simulator.clock import now
from simulator.kdniao import Json, Refused, text
from simulator.seeds import Lots, jittered, rng
from simulator.sending import Lane, Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings import Courier, Profile
from simulator.tally import Tally, Tasks
from simulator.warehouse import Delivery, Package, Place

# What the warehouse's carrier codes are called at the courier platform, where the two differ.
SHIPPER_CODES = {"YUNDA": "YD", "POSTB": "YZPY", "EYB": "EMS", "TTKDEX": "HHTT", "DD": "OTHER"}
# (action, who: 0 sender's city, 1 receiver's city, what is said)
JOURNEY = (
    ("1", 0, "【{city}】揽投部已揽收，感谢使用"),
    ("206", 0, "【{city}】快件离开揽投部，已发往{city}转运中心"),
    ("204", 0, "【{city}】快件到达{city}转运中心"),
    ("2", 0, "【{city}】快件已装车，准备发往下一站"),
    ("2", 0, "【{city}】快件离开{city}转运中心，已发往{other}转运中心"),
    ("2", 1, "【{city}】快件运输中，预计今日到达{city}"),
    ("201", 1, "【{city}】快件到达{city}转运中心"),
    ("2", 1, "【{city}】快件离开{city}转运中心，已发往派件网点"),
    ("205", 1, "【{city}】快件到达派件网点"),
    ("205", 1, "【{city}】快件已分拣，等待派送"),
    ("202", 1, "【{city}】快递员正在派件，请保持电话畅通"),
    ("301", 1, "【{city}】快件已签收，签收人：本人，感谢使用"),
)


@dataclass(frozen=True)
class Subscription:
    order_code: str
    call_back: str


@dataclass
class Parcel:
    waybill: str
    shipper: str
    order_no: str
    sender: Place
    receiver: Place
    lane: Lane
    traces: list[dict[str, str]] = field(default_factory=list)
    signed_at: datetime | None = None
    silent: bool = False
    pushes: int = 0

    def last_digits(self) -> set[str]:
        return {self.sender.mobile[-4:], self.receiver.mobile[-4:]}


@dataclass
class CourierService:
    """Drives every parcel handed over, answers the platform's addresses, pushes what was subscribed."""

    settings: Courier
    gateway_url: str
    sender: Sender
    tasks: Tasks
    tally: Tally
    profile: Profile
    seed: int
    parcels: dict[str, Parcel] = field(default_factory=dict)
    returning: dict[str, Parcel] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], Subscription] = field(default_factory=dict)
    arrived: Callable[[], None] = lambda: None
    _lost: Lots = field(init=False)

    def __post_init__(self) -> None:
        self._lost = Lots(self.seed, "lost signature", self.profile.signature_lost_share)

    def take(self, delivery: Delivery, package: Package) -> None:
        """Take a parcel from the warehouse; it travels whether anyone subscribes or not."""
        parcel = Parcel(
            waybill=package.waybill,
            shipper=SHIPPER_CODES.get(package.carrier, package.carrier),
            order_no=delivery.code,
            sender=delivery.sender,
            receiver=delivery.receiver,
            lane=self.sender.lane("courier"),
        )
        self.parcels[parcel.waybill] = parcel
        self.tasks.spawn(self._drive(parcel))

    def take_back(self, named: tuple[str, str], buyer: Place, warehouse: Place) -> None:
        """Take a parcel that a buyer sends back, by carrier and waybill, once; it travels until it is opened."""
        carrier, waybill = named
        if waybill in self.returning or waybill in self.parcels:
            return
        shipper = SHIPPER_CODES.get(carrier, carrier)
        parcel = Parcel(waybill, shipper, "", buyer, warehouse, self.sender.lane("courier"))
        self.returning[waybill] = parcel
        self.tasks.spawn(self._drive_back(parcel))

    def bring(self, waybill: str) -> None:
        """Hear that the warehouse has opened a parcel of a buyer: it was signed for, however far it was."""
        parcel = self.returning.get(waybill)
        if parcel is not None and parcel.signed_at is None:
            parcel.signed_at = self._scan(parcel, JOURNEY[-1])
            self._tell(parcel)

    def answer(self, body: bytes, offered: frozenset[str]) -> bytes:
        """Answer one call of a type that this address offers."""
        try:
            request_type, data = kdniao.read_form(self.settings, body)
            if request_type not in offered:
                raise Refused("不支持的RequestType")
            handle: Callable[[Json], Json] = self._subscribe if request_type in kdniao.SUBSCRIPTIONS else self._query
            reply = handle(data)
        except Refused as refused:
            self.tally.faults["courier_refused_calls"] += 1
            reply = kdniao.answer(self.settings, str(refused))
        return json.dumps(reply, ensure_ascii=False).encode()

    def subscribed(self, parcel: Parcel) -> bool:
        return (parcel.shipper, parcel.waybill) in self.subscriptions

    def _subscribe(self, data: Json) -> Json:
        shipper, waybill = kdniao.waybill_of(data)
        parcel = self._parcel(data, shipper, waybill)
        self.subscriptions[shipper, waybill] = Subscription(text(data, "OrderCode"), text(data, "CallBack"))
        if parcel is not None and parcel.traces and not parcel.silent:
            self._push(parcel, hold=False)
        return kdniao.answer(self.settings)

    def _query(self, data: Json) -> Json:
        shipper, waybill = kdniao.waybill_of(data)
        parcel = self._parcel(data, shipper, waybill)
        traces = list(parcel.traces) if parcel else []
        if text(data, "Sort") == "1":
            traces.reverse()
        tracking = kdniao.tracking(self.settings, shipper, waybill, parcel.traces if parcel else [])
        return {**tracking, "OrderCode": text(data, "OrderCode"), "Traces": traces}

    def _parcel(self, data: Mapping[str, object], shipper: str, waybill: str) -> Parcel | None:
        """Find a parcel; one not handed over yet, or of another shipper, has no trace. Raises Refused."""
        parcel = self.parcels.get(waybill) or self.returning.get(waybill)
        if parcel is None or parcel.shipper != shipper:
            return None
        if shipper in kdniao.NEEDS_PHONE and text(data, "CustomerName") not in parcel.last_digits():
            raise Refused("CustomerName与运单不符")
        return parcel

    async def _drive(self, parcel: Parcel) -> None:
        source = rng(self.seed, "courier", parcel.waybill)
        late = rng(self.seed, "late push", parcel.waybill)
        for n, step in enumerate(JOURNEY):
            await asyncio.sleep(jittered(source, self.profile.courier_step, self.profile.jitter))
            moment = self._scan(parcel, step)
            if step[0] == "301":
                parcel.signed_at = moment
                parcel.silent = self._is_lost()
                self.arrived()
            if self.subscribed(parcel) and not parcel.silent:
                self._push(parcel, hold=late.random() < self.profile.reorder_share and n < len(JOURNEY) - 1)
        parcel.lane.flush()

    async def _drive_back(self, parcel: Parcel) -> None:
        """Travel to the warehouse's door; who opens it there says when it was signed for."""
        source = rng(self.seed, "courier", parcel.waybill)
        for step in JOURNEY[:-1]:
            await asyncio.sleep(jittered(source, self.profile.courier_step, self.profile.jitter))
            if parcel.signed_at is not None:
                return
            self._scan(parcel, step)
            self._tell(parcel)

    def _scan(self, parcel: Parcel, step: tuple[str, int, str]) -> datetime:
        """Write one step of a journey down; gives its moment."""
        action, side, saying = step
        here, there = (parcel.sender, parcel.receiver) if side == 0 else (parcel.receiver, parcel.sender)
        moment = now()
        said = saying.format(city=here.city, other=there.city)
        parcel.traces.append(kdniao.trace(moment, said, here.city, action))
        return moment

    def _tell(self, parcel: Parcel) -> None:
        if self.subscribed(parcel):
            self._push(parcel, hold=False)

    def _is_lost(self) -> bool:
        """Draw whether the push of a signature never comes."""
        lost = self._lost.draw()
        if lost:
            self.sender.count("signatures_lost")
        return lost

    def _push(self, parcel: Parcel, *, hold: bool) -> None:
        subscription = self.subscriptions[parcel.shipper, parcel.waybill]
        parcel.pushes += 1
        data = kdniao.tracking(self.settings, parcel.shipper, parcel.waybill, parcel.traces)
        data |= {"OrderCode": subscription.order_code, "CallBack": subscription.call_back}

        def sign() -> Request:
            return kdniao.push(self.settings, f"{self.gateway_url}/in/kdniao/{self.settings.shop}", data)

        parcel.lane.post(Letter("courier", f"{parcel.waybill}-{parcel.pushes}", sign, _read), hold=hold)


def _read(response: httpx.Response) -> Verdict:
    verdict = verdict_of_status(response.status_code)
    if verdict is not Verdict.ACCEPTED:
        return verdict
    try:
        reply = response.json()
    except ValueError:
        return Verdict.AGAIN
    # The vendor's answer to Success=false is not documented; a sender that never loses a message asks again.
    return verdict if isinstance(reply, dict) and reply.get("Success") is True else Verdict.AGAIN
