"""Saying things to people: from a saying to one message per account, in the caller's transaction (OPS-3).

Owns who is written down for what. When a message leaves, and whether a like one left a moment ago, is decided as it is
sent (store/message_sending.py). A saying that reaches nobody is a row too, in state `nobody`: never an exception.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.errors import BadInput
from domain.messages import BUYER, MESSAGE, MessageRules, Rule, Saying, Template, Words, write
from domain.outgoing import Queue
from store import alert_rows, calls, settings_docs
from store.alert_rows import Level, NewAlert

TEMPLATE_ALERT = "message_template"
TEST = "test"

_SAID = text("SELECT 1 FROM message WHERE said = :said LIMIT 1")
_ACCOUNTS = text("SELECT vendor || '/' || code AS account FROM shop WHERE active AND role = 'messages'")
_WRITE = text(
    """
    INSERT INTO message (key, said, kind, subject, level, order_key, vendor, account, roles, title, text, code, params,
        can_wait, state, reason, created_at)
    VALUES (:key, :said, :kind, :subject, :level, :order_key, :vendor, :account, :roles, :title, :text, :code, :params,
        :can_wait, :state, :reason, :now)
    ON CONFLICT (key) DO NOTHING RETURNING id
    """
).bindparams(bindparam("params", type_=JSONB))


@dataclass(frozen=True, slots=True)
class _Way:
    """Through which account which roles are told, and how it stands at the start."""

    account: str
    roles: tuple[str, ...]
    can_wait: bool = True
    reason: str = ""
    """Why nobody is reached that way; empty when somebody is."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """All ways of a saying, and its words; without a template it says its facts."""

    ways: list[_Way]
    name: str = ""
    template: Template | None = None


async def say(tx: AsyncConnection, saying: Saying, now: datetime) -> int:
    """Write one message per account that the settings name for this kind; return how many are to be sent.

    The same key again writes nothing and gives 0.
    """
    rules = await settings_docs.message_rules(tx)
    rule = rules.rule(saying)
    if rule is None:
        return await _say(tx, saying, now, _Plan([_Way("", (), reason=f"no rule for {saying.kind}")]))
    roles = [role for role in rule.to if role != BUYER]
    return await _say(tx, saying, now, await _plan(tx, rules, rule, roles))


async def say_to_role(tx: AsyncConnection, saying: Saying, role: str, now: datetime) -> int:
    """Write messages to the accounts of one role, in the words of the kind's row: a ladder names its own. As `say`."""
    rules = await settings_docs.message_rules(tx)
    rule = rules.rule(saying)
    if rule is None:
        return await _say(tx, saying, now, _Plan([_Way("", (role,), reason=f"no rule for {saying.kind}")]))
    return await _say(tx, saying, now, await _plan(tx, rules, rule, [role]))


async def say_if_ruled(tx: AsyncConnection, saying: Saying, now: datetime) -> int:
    """Say something only where the settings have a row for it: alerts are seen in the console anyway."""
    rules = await settings_docs.message_rules(tx)
    return await say(tx, saying, now) if rules.rule(saying) is not None else 0


async def say_to_buyer(tx: AsyncConnection, saying: Saying, now: datetime) -> int:
    """Write an SMS to whom the order is for; the number is opened only as it is sent. As `say` otherwise."""
    rules = await settings_docs.message_rules(tx)
    rule = rules.buyer_rule(saying)
    if rule is None:
        reason = f"no rule tells buyers of {saying.kind}"
        return await _say(tx, saying, now, _Plan([_Way("", (BUYER,), reason=reason)]))
    return await _say(tx, saying, now, await _plan(tx, rules, rule, [BUYER]))


async def say_test(tx: AsyncConnection, account: str, now: datetime) -> int:
    """Write a test message to one account, for all whom it reaches; BadInput when there is no such account."""
    if account not in await _connected(tx):
        raise BadInput(f"no account {account!r} for messages is connected; see oms shop list")
    rules = await settings_docs.message_rules(tx)
    saying = Saying(TEST, f"test:{account}:{now.isoformat()}", account)
    plan = _Plan([_Way(account, (), can_wait=False)], TEST, rules.templates.get(TEST))
    return await _say(tx, saying, now, plan)


async def _connected(tx: AsyncConnection) -> set[str]:
    return {row.account for row in await tx.execute(_ACCOUNTS)}


async def _plan(tx: AsyncConnection, rules: MessageRules, rule: Rule, roles: list[str]) -> _Plan:
    connected, found = await _connected(tx), []
    for account, reached in rules.accounts(roles).items():
        missing = "" if account in connected else f"no account {account} is connected: oms shop add"
        found.append(_Way(account, reached, rule.quiet, missing))
    if not found:
        found = [_Way("", tuple(roles), reason=f"the settings name no account for {', '.join(roles)}")]
    return _Plan(found, rule.template, rules.templates.get(rule.template))


async def _say(tx: AsyncConnection, saying: Saying, now: datetime, plan: _Plan) -> int:
    if (await tx.execute(_SAID, {"said": _said(saying, plan.ways[0])})).one_or_none() is not None:
        return 0
    sent = 0
    for way in plan.ways:
        words = _words(plan.template, saying, way.account.partition("/")[0])
        if words.missing:
            await _tell_missing(tx, plan.name, words.missing, now)
        sent += await _write(tx, saying, way, words, now)
    return sent


def _said(saying: Saying, way: _Way) -> str:
    """Name what is said once: to a buyer and to ourselves it is said twice."""
    return f"{saying.key}|buyer" if way.roles == (BUYER,) else saying.key


def _words(template: Template | None, saying: Saying, vendor: str) -> Words:
    if template is None:
        return Words(saying.kind, "，".join(f"{name} {value}" for name, value in saying.facts.items()))
    return write(template, saying, vendor)


async def _tell_missing(tx: AsyncConnection, template: str, missing: tuple[str, ...], now: datetime) -> None:
    """Raise an alert, which is not told as a message itself: that one would lack the same."""
    words = f"template {template} of the settings document messages asks for {', '.join(missing)}, which nobody gives"
    await alert_rows.put(tx, NewAlert(TEMPLATE_ALERT, Level.WARNING, template, words), now)


async def _write(tx: AsyncConnection, saying: Saying, way: _Way, words: Words, now: datetime) -> int:
    vendor, _, account = way.account.partition("/")
    said = _said(saying, way)
    values = {
        "key": f"{said}|{way.account}",
        "said": said,
        "kind": saying.kind,
        "subject": saying.subject,
        "level": saying.level,
        "order_key": saying.order_key,
        "vendor": vendor,
        "account": account,
        "roles": ",".join(way.roles),
        "title": words.title,
        "text": words.text,
        "code": words.code,
        "params": dict(words.params),
        "can_wait": way.can_wait,
        "state": "nobody" if way.reason else "waiting",
        "reason": way.reason,
        "now": now,
    }
    number = (await tx.execute(_WRITE, values)).scalar_one_or_none()
    if number is None or way.reason:
        return 0
    payload = {"message": number, "at": now.isoformat()}
    await calls.add(tx, Queue(MESSAGE, vendor, account), f"message:{values['key']}", f"message:{number}", payload)
    return 1
