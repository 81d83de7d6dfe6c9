"""DingTalk (钉钉) group robots with a signing secret. Owns their signature, message format and codes.

Above 20 messages a minute a robot is blocked for 10 minutes. HTTP is 200 whatever became of it: `errcode` tells. No
idempotency: a repeat stands in the group twice. The longest text is not published: ours are at most 4096 bytes.
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

PATH = "/robot/send"
TITLE_BYTES, TEXT_BYTES = 256, 4096
# 310000: the signature, the keyword or our address is not accepted.
SPEECH = Speech("dingtalk", "errcode", "errmsg", {130101: TOO_OFTEN, 310000: NO}, 600.0)


class DingtalkRobot:
    """One robot; its access token is a sealed param, its secret (SEC...) signs."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def send(self, message: Outgoing) -> str:
        """Send to the group; there is no receipt."""
        token = self._shop.sealed.get("access_token", "").strip()
        if not token:
            raise Broken(f"shop {self._shop.code} (dingtalk) has no access_token: set it")
        timestamp = str(int(self._clock().timestamp() * 1000))
        signed = quote(signature(timestamp, fields.current_secret(self._shop)), safe="")
        base = f"{self._shop.endpoint_url.rstrip('/')}{PATH}"
        url = f"{base}?access_token={quote(token, safe='')}&timestamp={timestamp}&sign={signed}"
        await tell(self._http, SPEECH, (url, message.ref), written(message))
        return ""


def signature(timestamp: str, secret: str) -> str:
    """Sign a moment (milliseconds) with the robot's secret; base64, not yet fit for a URL."""
    said = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


def written(message: Outgoing) -> dict[str, object]:
    """Write a message in the vendor's format; whom it names stands in the text too, so that they are shown."""
    title = shorten(headline(message.title, message.level), TITLE_BYTES)
    named = "".join(f" @{mobile}" for mobile in message.mobiles)
    room = TEXT_BYTES - len(f"#### {title}\n{named}".encode())
    text = f"#### {title}\n{shorten(message.text, room)}{named}"
    at = {"atMobiles": list(message.mobiles), "isAtAll": False}
    return {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": at}
