"""Phone calls that read a message out, by Aliyun's voice notification (阿里云语音通知). Owns SingleCallByTts.

ASSUMED, not verified against the vendor's pages: product `dyvmsapi.aliyuncs.com`, version 2017-05-25, the action and
its params (CalledNumber, CalledShowNumber, TtsCode, TtsParam, OutId), answer `{Code, Message, CallId}`. Signed as
Aliyun SMS is (ACS3). No idempotency and nothing to ask by our id: a repeat after an unknown outcome rings a second
time, which an urgent call may. Numbers are called one after the other.
"""

import json

import httpx

from connectors import acs3, fields
from connectors.outbound import Clock
from domain.errors import Refused
from domain.messages import Outgoing, shorten
from domain.shops import Shop

VENDOR, VERSION = "aliyun_voice", "2017-05-25"
MOST_NUMBERS = 10
PARAM_BYTES = 105


class AliyunVoice:
    """One access key with its template."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def send(self, message: Outgoing) -> str:
        """Call every number; the receipt is the last call's CallId."""
        standing = tuple(one for one in self._shop.params.get("mobiles", "").replace(" ", "").split(",") if one)
        numbers = message.mobiles or standing
        if not numbers:
            raise Refused("no_number", f"nobody to call ({message.ref}): give the role mobiles, or the account")
        params = dict(message.params) or {"subject": message.title}
        spoken = {name: shorten(str(value), PARAM_BYTES) for name, value in params.items()}
        receipt = ""
        for number in numbers[:MOST_NUMBERS]:
            query = {
                "CalledNumber": number,
                "TtsCode": message.code or fields.param(self._shop, "template_code"),
                "TtsParam": json.dumps(spoken, ensure_ascii=False, separators=(",", ":")),
                "OutId": message.ref,
            }
            if shown := self._shop.params.get("show_number", ""):
                query["CalledShowNumber"] = shown
            action = acs3.Action(VENDOR, VERSION, "SingleCallByTts", message.ref, numbers)
            answer = await acs3.ask(self._http, self._shop, action, query, self._clock())
            receipt = str(answer.get("CallId", ""))
        return receipt
