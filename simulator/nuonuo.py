"""Nuonuo as a service for e-invoices: drafts of red letters on its real path; refuses as it would."""

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request

from simulator.settings import Invoices

DRAFT = "nuonuo.OpeMplatform.saveInvoiceRedConfirm"
BLUE_DIGITS = 20
FEN = Decimal("0.01")


class Nuonuo:
    """One taxpayer's drafts, by bill number."""

    def __init__(self, account: Invoices) -> None:
        self._account = account
        self.drafts: dict[str, dict[str, Any]] = {}

    def answer(self, query: dict[str, str], headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """Take one request, or say in a code why not."""
        if headers.get("accesstoken") != self._account.access_token.get_secret_value():
            return _told("070304", "accessToken invalid")
        if not hmac.compare_digest(headers.get("x-nuonuo-sign", ""), self._sign(query, body)):
            return _told("070101", "signature invalid")
        if headers.get("method") != DRAFT:
            return _told("E9999", "method unknown here")
        try:
            asked = json.loads(body)
            bill, blue = str(asked["billId"]), str(asked["blueElecInvoiceNumber"])
        except (ValueError, KeyError, TypeError):
            return _told("E9101", "billId and blueElecInvoiceNumber are required")
        if len(blue) != BLUE_DIGITS or not blue.isdigit():
            return _told("E9102", "blueElecInvoiceNumber has 20 digits")
        if bill in self.drafts:
            return _told("E9106", "duplicate")
        if fault := _fault_of_detail(asked.get("detail")):
            return _told("E9103", fault)
        self.drafts[bill] = asked
        return _told("E0000", "ok")

    def _sign(self, query: dict[str, str], body: bytes) -> str:
        once = "".join(f"&{short}={query.get(name, '')}" for short, name in
                       (("k", "appkey"), ("i", "senid"), ("n", "nonce"), ("t", "timestamp")))  # fmt: skip
        signed = f"a=services&l=v1&p=open{once}&f=".encode() + body
        secret = self._account.app_secret.get_secret_value().encode()
        return base64.b64encode(hmac.digest(secret, signed, hashlib.sha1)).decode()


def _fault_of_detail(detail: Any) -> str:
    """Say what is wrong with the lines of a part; empty when there are none, or all are right."""
    if detail is None:
        return ""
    if not isinstance(detail, list) or not detail:
        return "detail holds lines, or is left out"
    for line in detail:
        try:
            units, price = Decimal(line["num"]), Decimal(line["taxExcludedPrice"])
            untaxed, tax = Decimal(line["taxExcludedAmount"]), Decimal(line["taxAmount"])
            rate = Decimal(line["taxRate"])
            named = bool(line["blueDetailIndex"] and line["goodsName"] and line["goodsCode"])
        except (KeyError, TypeError, ArithmeticError):
            return "detail: a field is missing, or no number"
        if not named or units >= 0 or untaxed >= 0 or tax > 0:
            return "detail: num, taxExcludedAmount and taxAmount are negative"
        if abs(units * price - untaxed) > FEN or abs(untaxed * rate - tax) > FEN:
            return "detail: price, amount and tax do not fit"
    return ""


def nuonuo_routes(nuonuo: Nuonuo) -> APIRouter:
    """Serve it on its real path; its books at /books/invoices."""
    router = APIRouter()

    @router.post("/open/v1/services")
    async def services(request: Request) -> dict[str, Any]:
        return nuonuo.answer(dict(request.query_params), dict(request.headers), await request.body())

    @router.get("/books/invoices")
    async def books() -> dict[str, Any]:
        return {"drafts": list(nuonuo.drafts.values())}

    return router


def _told(code: str, words: str) -> dict[str, Any]:
    return {"code": code, "describe": words, "result": None}
