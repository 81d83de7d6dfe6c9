"""Nuonuo (诺诺) e-invoices. Owns its signature, its envelope and its codes; only drafts of red letters are asked for.

A repeat under our bill number is answered E9106: the draft is there already.
"""

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from urllib.parse import urlencode

import httpx

from connectors import fields
from connectors.http import Call, send, unexplained
from connectors.outbound import Clock
from domain.errors import Broken, RateLimited, Refused
from domain.invoices import RedLetterAsk, RedLine
from domain.shops import Shop

VENDOR = "nuonuo"
DRAFT = "nuonuo.OpeMplatform.saveInvoiceRedConfirm"
DONE, KNOWN, TOO_OFTEN = "E0000", "E9106", "E9613"
CREDENTIALS = frozenset({"070101", "070304", "070305", "070306", "070307"})
TOO_OFTEN_SECONDS = 3600.0
PRICE_STEP = Decimal("0.00000001")
SELLER, RETURNED, NOT_ISSUED, PLAIN = "0", "1", "0", "pc"
"""applySource, redReason, autoInvoice, blueInvoiceLine: we apply, goods or money went back, a draft alone, 数电普票."""


class NuonuoClerk:
    """One taxpayer at Nuonuo: `key_id` is the appKey, the secret the appSecret."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def draft(self, ask: RedLetterAsk) -> str:
        """Make the draft of a red letter and give its number; a repeat gives the first one's."""
        tax_no = fields.param(self._shop, "tax_no")
        body: dict[str, object] = {
            "billId": ask.bill_no,
            "orderNo": ask.order_no,
            "blueInvoiceLine": PLAIN,
            "applySource": SELLER,
            "blueElecInvoiceNumber": ask.blue_invoice_no,
            "sellerTaxNo": tax_no,
            "sellerName": fields.param(self._shop, "seller_name"),
            "redReason": RETURNED,
            "autoInvoice": NOT_ISSUED,
        }
        if ask.lines:
            body |= {"detail": [_detail(line) for line in ask.lines]}
        call = self._call(DRAFT, ask.bill_no, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
        reply = await send(self._http, call)
        try:
            answer = json.loads(reply.body)
            code, told = str(answer["code"]), fields.vendor_text(str(answer.get("describe", "")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise unexplained(call, reply) from error
        if code in {DONE, KNOWN}:
            return ask.bill_no
        if code == TOO_OFTEN:
            raise RateLimited(f"{VENDOR} {code}: {told} ({ask.bill_no})", TOO_OFTEN_SECONDS)
        if code in CREDENTIALS:
            raise Broken(f"{VENDOR} does not know us, {code}: {told} ({ask.bill_no})")
        raise Refused(code, f"{told} ({ask.bill_no})")

    def _token(self) -> str:
        """Give the sealed token of the taxpayer; Broken when the shop row lacks it."""
        token = self._shop.sealed.get("access_token", "").strip()
        if not token:
            raise Broken(f"shop {self._shop.code} ({VENDOR}) has no access_token: set it")
        return token

    def _call(self, method: str, ref: str, body: bytes) -> Call:
        stamp = str(int(self._clock().timestamp()))
        drawn = hashlib.sha256(f"{ref}|{stamp}".encode()).hexdigest()
        once = {"senid": drawn[:32], "nonce": f"{int(drawn[32:48], 16) % 10**8:08d}", "timestamp": stamp}
        headers = {
            "content-type": "application/json",
            "x-nuonuo-sign": signature(fields.current_secret(self._shop), self._shop.key_id, once, body),
            "accesstoken": self._token(),
            "usertax": fields.param(self._shop, "tax_no"),
            "method": method,
        }
        query = urlencode({**once, "appkey": self._shop.key_id})
        return Call(VENDOR, ref, f"{self._shop.endpoint_url.rstrip('/')}?{query}", body, headers)


def _detail(line: RedLine) -> dict[str, str]:
    """Write one line of a part: units and amounts are negative, in yuan; the price is the amount without tax per unit.

    The price has as many decimals as multiply back to the amount, at least.
    """
    untaxed = Decimal(line.untaxed_minor).scaleb(-2)
    return {
        "blueDetailIndex": str(line.blue_index),
        "goodsName": line.name,
        "num": f"-{line.units}",
        "taxExcludedPrice": f"{(untaxed / line.units).quantize(PRICE_STEP):f}",
        "taxExcludedAmount": f"{-untaxed:.2f}",
        "taxAmount": f"{-Decimal(line.tax_minor).scaleb(-2):.2f}",
        "taxRate": f"{Decimal(line.rate_basis_points).scaleb(-4).normalize():f}",
        "goodsCode": line.code,
    }


def signature(secret: str, app_key: str, once: dict[str, str], body: bytes) -> str:
    """Sign a request: base64 of HMAC-SHA1 over its place, our key, what is used once, and the body."""
    head = f"a=services&l=v1&p=open&k={app_key}&i={once['senid']}&n={once['nonce']}&t={once['timestamp']}&f="
    return base64.b64encode(hmac.new(secret.encode(), head.encode() + body, hashlib.sha1).digest()).decode()
