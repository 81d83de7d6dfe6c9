"""WeCom (企业微信) group robots. Owns their message format, limits and codes.

With people to name a message goes as plain text, for only there `mentioned_list` counts; else as markdown. HTTP is 200
whatever became of it: `errcode` tells. No idempotency: a repeat stands in the group twice.
"""

import httpx

from connectors import fields
from connectors.outbound import Clock
from connectors.robots import LATER, NO, TOO_OFTEN, Speech, headline, tell
from domain.messages import CRITICAL, WARNING, Outgoing, shorten
from domain.shops import Shop

PATH = "/cgi-bin/webhook/send"
MARKDOWN_BYTES, TEXT_BYTES = 4096, 2048
COLOURS = {CRITICAL: "warning", WARNING: "comment"}
# 93000: the key is not valid, or the message too long.
SPEECH = Speech("wecom", "errcode", "errmsg", {45009: TOO_OFTEN, -1: LATER, 93000: NO}, 60.0)


class WecomRobot:
    """One robot; its key is the secret."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http

    async def send(self, message: Outgoing) -> str:
        """Send to the group; there is no receipt."""
        url = f"{self._shop.endpoint_url.rstrip('/')}{PATH}?key={fields.current_secret(self._shop)}"
        await tell(self._http, SPEECH, (url, message.ref), written(message))
        return ""


def written(message: Outgoing) -> dict[str, object]:
    """Write a message in the vendor's format, within its bytes."""
    title = headline(message.title, message.level)
    if message.mobiles or message.users:
        content = shorten(f"{title}\n{message.text}", TEXT_BYTES)
        named = {"mentioned_list": list(message.users), "mentioned_mobile_list": list(message.mobiles)}
        return {"msgtype": "text", "text": {"content": content} | {name: who for name, who in named.items() if who}}
    colour = COLOURS.get(message.level, "info")
    head = f'**<font color="{colour}">{shorten(title, 512)}</font>**\n'
    text = head + shorten(message.text, MARKDOWN_BYTES - len(head.encode()))
    return {"msgtype": "markdown", "markdown": {"content": text}}
