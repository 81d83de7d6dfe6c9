"""Pinduoduo's message service: what it keeps for each application until it is confirmed. Owns no orders."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from fastapi import WebSocket, WebSocketDisconnect

from simulator.clock import now
from simulator.platforms.pdd_wire import Json

AGAIN_AFTER_SECONDS = 2.0
LOOK_SECONDS = 0.05


@dataclass
class Message:
    """One message; `sent` is when it was sent last."""

    frame: Json
    heard: Callable[[], None]
    sent: float | None = None


class PostOffice:
    """The messages of one application, for whoever listens."""

    def __init__(self) -> None:
        self._waiting: dict[str, Message] = {}
        self._numbers = 0

    def post(self, topic: str, mall: str, content: Json, heard: Callable[[], None]) -> None:
        """Keep a message until it is confirmed."""
        self._numbers += 1
        millis = int(now().timestamp() * 1000)
        told = {"type": topic, "mallID": int(mall), "content": json.dumps(content, separators=(",", ":"))}
        no = f"{millis}{self._numbers:06d}"
        frame: Json = {"id": int(no), "commandType": "Common", "sendTime": millis, "message": told}
        self._waiting[no] = Message(frame, heard)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def serve(self, socket: WebSocket) -> None:
        """Speak with one listener until it goes away."""
        await socket.accept()
        told = asyncio.create_task(self._tell(socket))
        try:
            while True:
                self._hear(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            told.cancel()
            with suppress(asyncio.CancelledError, RuntimeError, WebSocketDisconnect):
                await told

    async def _tell(self, socket: WebSocket) -> None:
        while True:
            for one in list(self._waiting.values()):
                if one.sent is None or monotonic() - one.sent > AGAIN_AFTER_SECONDS:
                    one.sent = monotonic()
                    await socket.send_text(json.dumps(one.frame, separators=(",", ":")))
            await asyncio.sleep(LOOK_SECONDS)

    def _hear(self, text: str) -> None:
        frame = json.loads(text)
        if frame.get("commandType") == "Ack" and (message := self._waiting.pop(str(frame.get("id")), None)):
            message.heard()
