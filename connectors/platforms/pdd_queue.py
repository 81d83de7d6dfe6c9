"""Messages of Pinduoduo (PMC): a WebSocket from which they are taken and confirmed. Owns its frames and its topics.

Every message about an order or a case is a hint. The frames are those of an open client that works; the official guide
does not tell them. The platform sends what is not confirmed again, up to 14 times within days, and does not promise
that the number of a message stays the same: what it says and when it was sent is its key here.

One connection serves the application, and may carry messages of its other shops: those are left unconfirmed for whoever
takes them. Beside a heartbeat every five seconds the connection is idle between two takings; one that the platform
closed meanwhile is opened again. A shop takes part once `pdd.pmc.user.permit` was called for it, by a person.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import httpx
from pydantic import Field, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.protocol import State

from connectors import fields
from connectors.outbound import Clock, Queued
from connectors.platforms.pdd_api import CHANNEL, from_millis
from connectors.platforms.pdd_cases import case_no
from connectors.platforms.pdd_sign import message_path
from connectors.shapes import Code, Id, Lenient
from domain.errors import Broken, Unavailable
from domain.observations import CaseHinted, ChannelStatus, Observation, OrderHinted
from domain.shops import Shop

MALL_ID, MESSAGE_URL = "mall_id", "message_url"
COMMON, HEARTBEAT, ACK = "Common", "HeartBeat", "Ack"
HEARTBEAT_SECONDS = 5.0
OPEN_SECONDS = 10.0
MOST_TAKEN = 100
AT_ONCE_SECONDS = 0.02
"""So long another message may take to come to be taken with the one before."""
EARLIEST_MILLI, LATEST_MILLI = 946_684_800_000, 4_102_444_800_000

_S = ChannelStatus
_TRADE: Mapping[str, ChannelStatus] = {
    "TradeConfirmed": _S.PAID,
    "TradeSellerShip": _S.SHIPPED,
    "TradeSuccess": _S.COMPLETED,
    "TradeRiskChanged": _S.UNMAPPED,
    "TradeLogisticsAddressChanged": _S.UNMAPPED,
    "TradeMemoModified": _S.UNMAPPED,
    "BuyerMemoModified": _S.UNMAPPED,
}
TOPICS: Mapping[str, ChannelStatus] = {
    **{f"pdd_trade_{name}": status for name, status in _TRADE.items()},
    **{
        f"pdd_refund_Refund{name}": _S.UNMAPPED
        for name in (
            "Created",
            "AgreeAgreement",
            "Closed",
            "BuyerModifyAgreement",
            "BuyerReturnGoods",
            "CreateMessage",
        )
    },
}
"""What the topics that we ask about say of the order; every other one is taken and kept."""
EDITS = frozenset({"pdd_trade_TradeMemoModified", "pdd_trade_BuyerMemoModified"})
"""The topics of words alone."""


class _Told(Lenient):
    type: Annotated[str, Field(min_length=1, max_length=100)]
    mallID: int | Code
    content: str = ""


class _Frame(Lenient):
    """Numbers stay what they are: a confirmation shows them as they came."""

    id: int | Annotated[str, Field(max_length=fields.MAX_ID)] = ""
    commandType: str = ""
    sendTime: Annotated[int, Field(ge=0, le=LATEST_MILLI)] = 0
    message: _Told | None = None


class _Content(Lenient):
    mall_id: Code = ""
    tid: Id
    refund_id: Code = ""
    modified: Annotated[int, Field(ge=0, le=LATEST_MILLI)] = 0


class PddQueue:
    """The messages of one shop."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._socket: ClientConnection | None = None
        self._beaten_at = 0.0

    async def take(self, longest_seconds: float) -> Sequence[Queued]:
        """Give what waits. Broken when the platform does not let us in, Unavailable when it cannot be reached."""
        if self._socket is not None and self._socket.state is State.CLOSED:
            self._socket = None
        taken: list[Queued] = []
        loop = asyncio.get_running_loop()
        ends = loop.time() + longest_seconds
        while len(taken) < MOST_TAKEN:
            patience = AT_ONCE_SECONDS if taken else ends - loop.time()
            if patience <= 0:
                break
            try:
                raw = await self._next(min(patience, HEARTBEAT_SECONDS))
            except Unavailable:
                # What was taken counts; the next taking tells of the failure if it lasts.
                if taken:
                    break
                raise
            if raw is None and taken:
                break
            if raw is not None and (read := read_frame(self._shop, raw, self._clock())) is not None:
                taken.append(read)
        return taken

    async def confirm(self, taken: Sequence[Queued]) -> None:
        """Say that these are stored. Over a new connection too: the platform knows them by their numbers."""
        for one in taken:
            if one.receipt:
                await self._send({**json.loads(one.receipt), "commandType": ACK, "time": self._millis()})

    async def close(self) -> None:
        """Let go of the connection."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _next(self, seconds: float) -> bytes | None:
        """Wait for one frame; None when none came. Keeps the connection alive."""
        socket = await self._open()
        await self._beat(socket)
        try:
            async with asyncio.timeout(seconds):
                raw = await socket.recv()
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            self._socket = None
            raise Unavailable(f"{CHANNEL} closed the connection of {self._shop.code} for messages") from error
        return raw.encode() if isinstance(raw, str) else raw

    async def _beat(self, socket: ClientConnection) -> None:
        at = asyncio.get_running_loop().time()
        if at - self._beaten_at >= HEARTBEAT_SECONDS:
            self._beaten_at = at
            beat = {"id": self._millis(), "commandType": HEARTBEAT, "time": self._millis()}
            # Of a connection that is closed the reading tells, after what had come before.
            with suppress(ConnectionClosed):
                await socket.send(json.dumps(beat, separators=(",", ":")))

    async def _send(self, frame: Mapping[str, Any]) -> None:
        text = json.dumps(frame, separators=(",", ":"))
        try:
            await (await self._open()).send(text)
        except ConnectionClosed:
            # Closed while nobody looked: once more over a new one, whose failure counts.
            self._socket = None
            try:
                await (await self._open()).send(text)
            except ConnectionClosed as error:
                self._socket = None
                raise Unavailable(f"{CHANNEL} closes the connection of {self._shop.code} for messages") from error

    async def _open(self) -> ClientConnection:
        if self._socket is None:
            base = fields.param(self._shop, MESSAGE_URL).rstrip("/")
            path = message_path(self._shop.key_id, fields.current_secret(self._shop), str(self._millis()))
            self._socket = await _connect(f"{base}{path}", self._shop)
            self._beaten_at = -HEARTBEAT_SECONDS
        return self._socket

    def _millis(self) -> int:
        return int(self._clock().timestamp() * 1000)


def read_frame(shop: Shop, raw: bytes, at: datetime) -> Queued | None:
    """Read one frame: None for a heartbeat or another shop's message, a reason for one that is unreadable."""
    try:
        frame = _Frame.model_validate_json(raw)
    except ValidationError as error:
        return Queued("", hashlib.sha256(raw).hexdigest(), raw, reason=fields.explain(error))
    told = frame.message
    if frame.commandType != COMMON or told is None or str(told.mallID) != shop.params.get(MALL_ID):
        return None
    named = json.dumps([told.type, told.mallID, told.content, frame.sendTime])
    key = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()
    receipt = {"id": frame.id, "sendTime": frame.sendTime, "type": told.type, "mallID": told.mallID}
    sent_at = from_millis(frame.sendTime) if frame.sendTime >= EARLIEST_MILLI else None
    hints, reason = _hints(told, shop, sent_at or at)
    return Queued(json.dumps(receipt), key, raw, sent_at, hints, reason)


def _hints(told: _Told, shop: Shop, at: datetime) -> tuple[tuple[Observation, ...], str]:
    if told.type not in TOPICS:
        return (), ""
    try:
        content = _Content.model_validate_json(told.content)
    except ValidationError as error:
        return (), f"message.content: {fields.explain(error)}"
    hint = OrderHinted(CHANNEL, shop.code, content.tid, TOPICS[told.type], at, edit=told.type in EDITS)
    if not content.refund_id:
        return (hint,), ""
    changed = from_millis(content.modified) if content.modified >= EARLIEST_MILLI else at
    no = case_no(content.tid, content.refund_id)
    return (hint, CaseHinted(CHANNEL, shop.code, no, content.tid, changed)), ""


async def _connect(url: str, shop: Shop) -> ClientConnection:
    """Open the connection; no text of an error shows its address, which holds the signature."""
    try:
        return await connect(
            url, open_timeout=OPEN_SECONDS, max_size=fields.MAX_BODY_BYTES, compression=None, proxy=None
        )
    except InvalidURI as error:
        raise Broken(f"shop {shop.code} ({CHANNEL}): {MESSAGE_URL} is not like wss://host:443: set it") from error
    except InvalidStatus as error:
        status = error.response.status_code
        kind = Unavailable if status >= 500 or status == 429 else Broken
        raise kind(f"{CHANNEL} does not let {shop.code} take messages: HTTP {status}") from None
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        words = f"{CHANNEL} cannot be reached for messages of {shop.code}: {type(error).__name__}"
        raise Unavailable(words) from None
