"""Services that carry messages to people: three group robots, Aliyun SMS and voice, a mail server. Owns their books.

Every answer is the vendor's own: HTTP 200 with a code that tells, a pace that is kept, signatures that are checked.
A `lost` answer is work done whose caller hears nothing.
"""

import base64
import hashlib
import hmac
import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.clock import iso, now
from simulator.messages_aliyun import Aliyun, Denied
from simulator.settings import Messages

HOUR = 3600
WECOM_TEXT, WECOM_MARKDOWN, FEISHU_BODY = 2048, 4096, 20 * 1024
Json = dict[str, Any]


class Lost(Exception):
    """The work is done and the answer is lost."""


@dataclass
class Got:
    """One message as it arrived; `id` is its sender's, where the format has one."""

    service: str
    text: str
    to: list[str] = field(default_factory=list)
    id: str = ""
    template: str = ""
    at: datetime = field(default_factory=now)


class Pace:
    """So many in so many seconds."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._taken: deque[float] = deque()

    def takes(self) -> bool:
        """Count one, unless it is one too many."""
        at = now().timestamp()
        while self._taken and self._taken[0] <= at - self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self._most:
            return False
        self._taken.append(at)
        return True


class MessageServices:
    """All six, with one account each."""

    def __init__(self, settings: Messages) -> None:
        self.settings = settings
        self.got: list[Got] = []
        self.refused: Counter[str] = Counter()
        self._left = Counter(settings.lost)
        self._paces = {"wecom": [Pace(20, 60)], "dingtalk": [Pace(20, 60)], "feishu": [Pace(100, 60), Pace(5, 1)]}
        self._aliyun = Aliyun(settings)

    def keep(self, one: Got) -> None:
        """Book a message; raises Lost when its answer is to be lost. A letter that is there already is the same one."""
        if one.service == "smtp" and any(one.id == other.id for other in self.got):
            self.refused["smtp_again"] += 1
            return
        self.got.append(one)
        if self._left[one.service] > 0:
            self._left[one.service] -= 1
            raise Lost

    # -- robots ------------------------------------------------------------------------------------------------------

    def wecom(self, query: Mapping[str, str], body: bytes) -> Json:
        """Answer a WeCom robot's call."""
        data, settings = _read(body), self.settings
        kind = data.get("msgtype")
        part = data.get(str(kind), {}) if kind in {"text", "markdown"} else {}
        content = part.get("content", "") if isinstance(part, dict) else ""
        most = WECOM_TEXT if kind == "text" else WECOM_MARKDOWN
        if query.get("key") != settings.wecom_key.get_secret_value() or not content or len(content.encode()) > most:
            return self._no("wecom", "errcode", 93000, "errmsg", "invalid webhook url or content too long")
        if not self._in_time("wecom"):
            return self._no("wecom", "errcode", 45009, "errmsg", "api freq out of limit")
        named = [*part.get("mentioned_list", []), *part.get("mentioned_mobile_list", [])]
        self.keep(Got("wecom", content, named))
        return {"errcode": 0, "errmsg": "ok"}

    def dingtalk(self, query: Mapping[str, str], body: bytes) -> Json:
        """Answer a DingTalk robot's call."""
        settings, timestamp = self.settings, query.get("timestamp", "")
        secret = settings.dingtalk_secret.get_secret_value()
        wanted = _hmac64(secret.encode(), f"{timestamp}\n{secret}".encode())
        known = query.get("access_token") == settings.dingtalk_token.get_secret_value()
        if not known or query.get("sign") != wanted or not _fresh(timestamp, 1000):
            return self._no("dingtalk", "errcode", 310000, "errmsg", "sign not match")
        if not self._in_time("dingtalk"):
            return self._no("dingtalk", "errcode", 130101, "errmsg", "send too fast, exceed 20 times per minute")
        data = _read(body)
        markdown, at = data.get("markdown", {}), data.get("at", {})
        if data.get("msgtype") != "markdown" or not markdown.get("title") or not markdown.get("text"):
            return self._no("dingtalk", "errcode", 310000, "errmsg", "keywords not in content")
        self.keep(Got("dingtalk", markdown["text"], list(at.get("atMobiles", []))))
        return {"errcode": 0, "errmsg": "ok"}

    def feishu(self, token: str, body: bytes) -> Json:
        """Answer a Feishu robot's call."""
        data, timestamp = _read(body), ""
        timestamp = str(data.get("timestamp", ""))
        secret = self.settings.feishu_secret.get_secret_value()
        if token != self.settings.feishu_token.get_secret_value() or len(body) > FEISHU_BODY:
            return self._no("feishu", "code", 9499, "msg", "Bad Request")
        if data.get("sign") != _hmac64(f"{timestamp}\n{secret}".encode(), b"") or not _fresh(timestamp, 1):
            return self._no("feishu", "code", 19021, "msg", "sign match fail or timestamp is not within one hour")
        if not self._in_time("feishu"):
            return self._no("feishu", "code", 11232, "msg", "frequency limited")
        text = data.get("content", {}).get("text", "")
        if data.get("msg_type") != "text" or not text:
            return self._no("feishu", "code", 9499, "msg", "Bad Request")
        self.keep(Got("feishu", text))
        return {"code": 0, "msg": "success", "data": {}}

    # -- Aliyun ------------------------------------------------------------------------------------------------------

    def aliyun(self, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> tuple[int, Json]:
        """Answer an RPC call of SMS or voice."""
        try:
            name = self._aliyun.verify(query, headers, body)
            if name == "QuerySendDetails":
                sent = [one for one in self.got if one.service == "aliyun_sms" and query["PhoneNumber"] in one.to]
                found = [{"PhoneNum": query["PhoneNumber"], "OutId": one.id, "SendStatus": 3} for one in sent]
                return 200, _ok(TotalCount=len(found), SmsSendDetailDTOs={"SmsSendDetailDTO": found[:50]})
            service, to, template, text = self._aliyun.read(name, query)
        except Denied as no:
            self.refused[no.code] += 1
            return no.status, {"Code": no.code, "Message": no.message, "RequestId": "R"}
        self.keep(Got(service, text, to, query.get("OutId", ""), template))
        number = f"{len(self.got):020d}"
        return 200, _ok(BizId=number) if service == "aliyun_sms" else _ok(CallId=number)

    # -- books -------------------------------------------------------------------------------------------------------

    def written(self) -> Json:
        """Write the books: what arrived, how often, and what was refused."""
        got = [
            {"service": one.service, "to": one.to, "text": one.text, "id": one.id, "template": one.template}
            | {"at": iso(one.at)}
            for one in self.got
        ]
        counts = Counter(one.service for one in self.got)
        ids = Counter(f"{one.service}:{one.id or one.text}" for one in self.got)
        twice = sorted(name for name, n in ids.items() if n > 1)
        return {"messages": got, "counts": dict(counts), "twice": twice, "refused": dict(self.refused)}

    def _in_time(self, service: str) -> bool:
        return [pace.takes() for pace in self._paces[service]].count(False) == 0

    def _no(self, service: str, code_name: str, code: int, words_name: str, words: str) -> Json:
        self.refused[f"{service}_{code}"] += 1
        return {code_name: code, words_name: words}


def _ok(**more: Any) -> Json:
    return {"Code": "OK", "Message": "OK", "RequestId": "R"} | more


def _read(body: bytes) -> Json:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _hmac64(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _fresh(timestamp: str, per_second: int) -> bool:
    """Say whether a moment is within the hour."""
    return timestamp.isdigit() and abs(int(timestamp) / per_second - now().timestamp()) < HOUR
