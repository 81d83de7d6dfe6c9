"""Feishu and Lark (飞书) group robots with a signing secret. Owns their signature, message format and codes.

The signature's key and message are swapped against DingTalk's. HTTP is 200 whatever became of it: `code` tells. No
idempotency: a repeat stands in the group twice. How people are named is not published in what we know: nobody is.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote

import httpx

from connectors import fields
from connectors.outbound import Clock
from connectors.robots import NO, TOO_OFTEN, Speech, headline, tell
from domain.errors import Broken
from domain.messages import Outgoing, shorten
from domain.shops import Shop

PATH = "/open-apis/bot/v2/hook/"
TEXT_BYTES = 18_000
"""The whole body has at most 20 KB."""
# Bad request, signature, our address, keyword; 11232 is the rate.
SPEECH = Speech("feishu", "code", "msg", {11232: TOO_OFTEN, 9499: NO, 19021: NO, 19022: NO, 19024: NO}, 60.0)


class FeishuRobot:
    """One robot; the token of its address is a sealed param, its secret signs."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def send(self, message: Outgoing) -> str:
        """Send to the group; there is no receipt."""
        token = self._shop.sealed.get("token", "").strip()
        if not token:
            raise Broken(f"shop {self._shop.code} (feishu) has no token: set it")
        timestamp = str(int(self._clock().timestamp()))
        said = {
            "timestamp": timestamp,
            "sign": signature(timestamp, fields.current_secret(self._shop)),
            "msg_type": "text",
            "content": {"text": shorten(f"{headline(message.title, message.level)}\n{message.text}", TEXT_BYTES)},
        }
        url = f"{self._shop.endpoint_url.rstrip('/')}{PATH}{quote(token, safe='')}"
        await tell(self._http, SPEECH, (url, message.ref), said)
        return ""


def signature(timestamp: str, secret: str) -> str:
    """Sign a moment (seconds) with the robot's secret."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
