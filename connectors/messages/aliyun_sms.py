"""Aliyun SMS (阿里云短信). Owns SendSms, the question after an unknown outcome, and whom it writes to.

A message is the vendor's approved template and what fills it. SendSms has no idempotency: what may have been sent is
asked for first (QuerySendDetails) and found by our `OutId`. Not found in the vendor's published pages: the names within
an answer of QuerySendDetails; `SmsSendDetailDTOs.SmsSendDetailDTO[{OutId, SendStatus, ErrCode}]`, status 2 = failed, is
taken from its SDK.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from connectors import acs3, fields
from connectors.outbound import Clock
from domain.errors import Broken, Refused
from domain.messages import Outgoing, shorten
from domain.shops import Shop

VENDOR, VERSION = "aliyun_sms", "2017-05-25"
MOST_NUMBERS = 1000
PAGE, MOST_PAGES = 50, 20
FAILED = 2
PARAM_BYTES = 105
"""A template's variable holds some 35 characters."""


class AliyunSms:
    """One access key with its signature name."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def send(self, message: Outgoing) -> str:
        """Send to every number at once; the receipt is the vendor's BizId, or `asked` when it had it already."""
        numbers = message.mobiles or named(self._shop)
        if not numbers:
            raise Refused("no_number", f"nobody to write to ({message.ref}): give the role mobiles, or the account")
        if message.tried_at is not None and await self._has(message, numbers[0], message.tried_at):
            return "asked"
        query = {
            "PhoneNumbers": ",".join(numbers[:MOST_NUMBERS]),
            "SignName": fields.param(self._shop, "sign_name"),
            "TemplateCode": message.code or fields.param(self._shop, "template_code"),
            "TemplateParam": template_param(message),
            "OutId": message.ref,
        }
        answer = await self._ask("SendSms", message, query, numbers)
        return str(answer.get("BizId", ""))

    async def _has(self, message: Outgoing, number: str, tried_at: datetime) -> bool:
        """Ask whether a message arrived at the vendor; Refused when it did and could not be delivered."""
        day = tried_at.astimezone(self._shop.tz).strftime("%Y%m%d")
        for page in range(1, MOST_PAGES + 1):
            query = {"PhoneNumber": number, "SendDate": day, "PageSize": str(PAGE), "CurrentPage": str(page)}
            answer = await self._ask("QuerySendDetails", message, query, (number,))
            try:
                details = answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
                ours = [one for one in details if one.get("OutId") == message.ref]
            except (KeyError, TypeError, AttributeError) as error:
                raise Broken(f"aliyun_sms answered QuerySendDetails {message.ref} in words not its format") from error
            if ours and ours[0].get("SendStatus") == FAILED:
                raise Refused(str(ours[0].get("ErrCode", "")), f"not delivered ({message.ref})")
            if ours or len(details) < PAGE:
                return bool(ours)
        return False

    async def _ask(self, name: str, message: Outgoing, query: Mapping[str, str], hidden: tuple[str, ...]) -> Any:
        action = acs3.Action(VENDOR, VERSION, name, message.ref, hidden)
        return await acs3.ask(self._http, self._shop, action, query, self._clock())


def named(shop: Shop) -> tuple[str, ...]:
    """Give the numbers that an account writes to when a message names none."""
    return tuple(one for one in shop.params.get("mobiles", "").replace(" ", "").split(",") if one)


def template_param(message: Outgoing) -> str:
    """Fill the vendor's template: its own variables, or the title as `subject`."""
    params = dict(message.params) or {"subject": message.title}
    short = {name: shorten(str(value), PARAM_BYTES) for name, value in params.items()}
    return json.dumps(short, ensure_ascii=False, separators=(",", ":"))
