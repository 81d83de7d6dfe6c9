"""Decisions that take longer than a press may: shown as sent, asked for again under their nonce until answered.

What is not answered in time is never shown as failed: it takes effect when a worker answers.
"""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import background_tasks

from clients.console.frame import Frame, told
from domain.errors import OmsError, Unavailable

SOON_SECONDS = 2.5
ASK_AGAIN_SECONDS = 3.0
MOST_ASKED = 200
SENT = "已发送，尚未确认。正在用同一编号询问结果，请不要重复提交。"
GAVE_UP = "已发送，仍未确认。请稍后再看；不要重复提交。"

Send = Callable[[], Awaitable[str]]
"""Sends one decision under its nonce and gives the answer; harmless when repeated. Raises Unavailable."""


async def patiently(frame: Frame, send: Send, name: str, answered: Callable[[], None] = lambda: None) -> str:
    """Send a decision; what is not answered soon is followed, and told on the page when it is.

    `answered` is called as soon as the outcome is known, before it is told.
    """
    asked = asyncio.ensure_future(_until_answered(send))
    asked.add_done_callback(lambda _: answered())
    done, _ = await asyncio.wait({asked}, timeout=SOON_SECONDS)
    if done:
        return asked.result()
    background_tasks.create(_follow(frame, asked), name=name)
    return SENT


async def _until_answered(send: Send) -> str:
    for _ in range(MOST_ASKED):
        try:
            return await send()
        except Unavailable:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
    return GAVE_UP


async def _follow(frame: Frame, asked: "asyncio.Future[str]") -> None:
    try:
        words, well = await asked, True
    except OmsError as error:
        words, well = told(error), False
    frame.say(words, well=well)
    await frame.refresh()
