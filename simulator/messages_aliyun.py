"""Aliyun's RPC gateway: ACS3 signatures checked, SMS and voice calls read. Keeps no books."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from simulator.settings import Messages

_AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")
_NUMBER = re.compile(r"1[3-9]\d{9}")
MUST_BE_SIGNED = {
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
}
ACTIONS = {"SendSms", "QuerySendDetails", "SingleCallByTts"}


class Denied(Exception):
    """What the gateway or a product does not do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Aliyun:
    """One access key."""

    def __init__(self, settings: Messages) -> None:
        self._settings = settings
        self._nonces: set[str] = set()

    def verify(self, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> str:
        """Check a call's signature; the name of its action."""
        given = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if given is None or given[1] != self._settings.aliyun_key_id:
            raise Denied(403, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        names = given[2].split(";")
        if set(names) < MUST_BE_SIGNED or headers.get("x-acs-version") != "2017-05-25":
            raise Denied(400, "InvalidParameter", "headers are missing or not signed")
        if self._signature(query, headers, body, names) != given[3]:
            raise Denied(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
        nonce = headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            raise Denied(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(nonce)
        if headers["x-acs-action"] not in ACTIONS:
            raise Denied(404, "InvalidAction.NotFound", "Specified api is not found.")
        return headers["x-acs-action"]

    def _signature(self, query: Mapping[str, str], headers: Mapping[str, str], body: bytes, names: list[str]) -> str:
        asked = "&".join(f"{quote(k, safe='~')}={quote(query[k], safe='~')}" for k in sorted(query))
        lines = [f"{name}:{headers.get(name, '').strip()}" for name in sorted(names)]
        digest = hashlib.sha256(body).hexdigest()
        whole = "\n".join(["POST", "/", asked, *lines, "", ";".join(sorted(names)), digest])
        said = f"ACS3-HMAC-SHA256\n{hashlib.sha256(whole.encode()).hexdigest()}"
        secret = self._settings.aliyun_secret.get_secret_value()
        return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()

    def read(self, name: str, query: Mapping[str, str]) -> tuple[str, list[str], str, str]:
        """Read a message: service, numbers, template and what fills it."""
        sms = name == "SendSms"
        numbers = query.get("PhoneNumbers" if sms else "CalledNumber", "").split(",")
        template = query.get("TemplateCode" if sms else "TtsCode", "")
        params = query.get("TemplateParam" if sms else "TtsParam", "")
        if any(_NUMBER.fullmatch(number) is None for number in numbers):
            raise Denied(200, "isv.MOBILE_NUMBER_ILLEGAL", "号码格式错误")
        if sms and query.get("SignName") != self._settings.sign_name:
            raise Denied(200, "isv.SMS_SIGNATURE_ILLEGAL", "短信签名不合法")
        if not template.startswith("SMS_" if sms else "TTS_"):
            raise Denied(200, "isv.SMS_TEMPLATE_ILLEGAL", "短信模版不合法")
        try:
            json.loads(params)
        except ValueError:
            raise Denied(200, "isv.INVALID_JSON_PARAM", "JSON参数不合法") from None
        return ("aliyun_sms" if sms else "aliyun_voice"), numbers, template, params
