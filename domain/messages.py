"""Messages to people: what is said, to whom, when, and how long it may be. Owns the rules; sending is somebody else's.

Who gets what is the settings document `messages` (OPS-3); here stands what its rows mean.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

MESSAGE = "message"
"""The kind of outgoing call that carries a message."""
NOTE, WARNING, CRITICAL = LEVELS = ("note", "warning", "critical")
BUYER = "buyer"
"""The recipient that is not one of us: the one whom the order is for."""
ROBOTS = frozenset({"wecom", "dingtalk", "feishu"})
VENDORS = ROBOTS | {"aliyun_sms", "aliyun_voice", "smtp"}
CUT = "…"
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Saying:
    """Something that people should hear, said once for ever under its key.

    `kind` names what happened (`case.overdue`); `subject` groups what counts as the same within a while; `facts` fill
    the template and hold no personal data.
    """

    kind: str
    key: str
    subject: str
    level: str = NOTE
    order_key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipient:
    """How a role is reached: an account `vendor/code`, and whom it names or writes to there."""

    account: str
    mobiles: tuple[str, ...] = field(default=(), repr=False)
    users: tuple[str, ...] = ()
    mails: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who hears of a kind (`case.*` is a pattern) from a level on, in which words, and whether it can wait for day."""

    kind: str
    to: tuple[str, ...]
    template: str
    quiet: bool = True
    level: str = NOTE


@dataclass(frozen=True, slots=True)
class Template:
    """Words with `{facts}` in them; `codes` are the templates that a vendor (SMS, voice) holds, `params` fill those."""

    title: str
    text: str
    codes: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nobody is disturbed by what can wait; they may go over midnight."""

    zone: str
    start: time
    end: time

    def over_at(self, now: datetime) -> datetime | None:
        """Give the end of the quiet hours that `now` lies in; None outside of them."""
        local = now.astimezone(ZoneInfo(self.zone))
        at = local.time()
        inside = self.start <= at < self.end if self.start <= self.end else at >= self.start or at < self.end
        if not inside:
            return None
        day = local.date() + timedelta(days=1 if at >= self.end else 0)
        return datetime.combine(day, self.end, ZoneInfo(self.zone)).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many messages in so many seconds."""

    messages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class MessageRules:
    """The settings document `messages` as its rules use it; the first row that fits a kind decides."""

    recipients: Mapping[str, tuple[Recipient, ...]]
    rules: tuple[Rule, ...]
    templates: Mapping[str, Template]
    quiet: Quiet | None
    window_seconds: float
    paces: Mapping[str, tuple[Pace, ...]]
    merge_from: int
    version: int = 0

    def rule(self, saying: Saying) -> Rule | None:
        """Find the row for something said to ourselves."""
        return self._first(saying, lambda rule: rule.to != (BUYER,))

    def of_alert(self, kind: str, level: str) -> Rule | None:
        """Find the row that decides who hears of an alert of a kind, at a level."""
        return self.rule(Saying(f"alert.{kind}", "", "", level))

    def buyer_rule(self, saying: Saying) -> Rule | None:
        """Find the row for something said to the buyer."""
        return self._first(saying, lambda rule: BUYER in rule.to)

    def _first(self, saying: Saying, wanted: Callable[[Rule], bool]) -> Rule | None:
        fits = (one for one in self.rules if fnmatchcase(saying.kind, one.kind) and wanted(one))
        return next((one for one in fits if rank(saying.level) >= rank(one.level)), None)

    def accounts(self, roles: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Give the accounts that reach these roles, each once, with the roles it reaches."""
        found: dict[str, list[str]] = {}
        for role in roles:
            for one in self.recipients.get(role, ()):
                found.setdefault(one.account, []).append(role)
        return {account: tuple(dict.fromkeys(reached)) for account, reached in found.items()}

    def addressees(self, account: str, roles: Sequence[str]) -> Recipient:
        """Join how roles are reached through one account; without roles all that it reaches."""
        told = roles or [role for role in self.recipients if role != BUYER]
        ways = [one for role in told for one in self.recipients.get(role, ()) if one.account == account]
        mobiles, users, mails = (
            tuple(dict.fromkeys(name for one in ways for name in getattr(one, part)))
            for part in ("mobiles", "users", "mails")
        )
        return Recipient(account, mobiles, users, mails)


@dataclass(frozen=True, slots=True)
class Words:
    """A message written out; `missing` are the names that no fact filled and that stand there in braces."""

    title: str
    text: str
    code: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way to one account. `ref` is our own id, the same at every try.

    `tried_at` is when it may have been sent already: ask before sending again, where the vendor can be asked.
    """

    ref: str
    title: str
    text: str
    level: str = NOTE
    mobiles: tuple[str, ...] = field(default=(), repr=False)
    users: tuple[str, ...] = ()
    mails: tuple[str, ...] = field(default=(), repr=False)
    code: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """A message that waits: for how long, and why."""

    seconds: float
    why: str


def rank(level: str) -> int:
    """Say how loud a level is; an unknown one is as quiet as can be."""
    return LEVELS.index(level) if level in LEVELS else 0


def write(template: Template, saying: Saying, vendor: str) -> Words:
    """Fill a template; a fact that is missing stays as its name in braces and is told."""
    facts = {"subject": saying.subject, "kind": saying.kind, "level": saying.level, "order": saying.order_key}
    known = facts | dict(saying.facts)
    missing: dict[str, None] = {}

    def fill(text: str) -> str:
        def put(found: re.Match[str]) -> str:
            if found[1] not in known:
                missing[found[1]] = None
                return found[0]
            return known[found[1]]

        return _NAME.sub(put, text)

    title, text = fill(template.title), fill(template.text)
    params = {name: fill(value) for name, value in template.params.items()}
    return Words(title, text, template.codes.get(vendor, ""), params, tuple(missing))


def quiet_until(rules: MessageRules, level: str, can_wait: bool, now: datetime) -> datetime | None:
    """Say until when a message waits for the day; what is critical never does."""
    if level == CRITICAL or not can_wait or rules.quiet is None:
        return None
    return rules.quiet.over_at(now)


def pause(pace: Pace, newest: Sequence[datetime], now: datetime) -> float:
    """Say how many seconds a message has to wait for its turn; `newest` are the last sendings, newest first."""
    within = [at for at in newest if at > now - timedelta(seconds=pace.seconds)]
    if len(within) < pace.messages:
        return 0.0
    return (within[pace.messages - 1] - now).total_seconds() + pace.seconds


def digest(title: str, texts: Sequence[str]) -> tuple[str, str]:
    """Join messages of one kind into one."""
    return f"{title}（共 {len(texts)} 条）", "\n".join(f"{n}. {text}" for n, text in enumerate(texts, 1))


def shorten(text: str, most_bytes: int) -> str:
    """Cut a text to so many bytes of UTF-8, never within a character; a cut one ends with an ellipsis."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most_bytes:
        return raw.decode()
    room = max(most_bytes - len(CUT.encode()), 0)
    return raw[:room].decode("utf-8", "ignore") + (CUT if most_bytes >= len(CUT.encode()) else "")
