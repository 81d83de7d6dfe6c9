"""Sayings become messages once, to whom the settings name, and leave when they may (OPS-3)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.contacts import Contact, ContactForm
from domain.messages import MESSAGE, Outgoing, Postponed, Saying
from domain.outgoing import Call, Queue
from store import alerts, contacts, messaging, settings_docs
from store.alerts import Level, NewAlert
from store.database import Database
from store.keyring import KeyRing
from store.message_sending import SqlMessages
from store.outgoing import SqlOutgoing
from store.settings_docs import Profile
from store.settings_versions import Change, SettingVersions
from store.shops import Shops
from tests.conftest import NOON
from tests.connectors.messengers import ACCOUNTS, DINGTALK, SMS, SMTP, WECOM
from tests.store.builders import key, planned, rows

LATE = Saying("case.overdue", "case:C1:overdue:1", "C1", "warning", facts={"mark": "", "hours": "2"})
STOPPED = "SKU TEE 已在全渠道停售，请补货，或在控制台试销恢复。"
PULL = "TEE 连续多次拉单失败，请检查网络和授权。推送的订单照常接收，不会漏单。\n3 orders"
NIGHT = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


@pytest.fixture
async def connected(fresh: Database, ring: KeyRing) -> Database:
    """A database with an account at WeCom, DingTalk, SMS and mail, all of which hear of what is overdue."""
    for shop in (WECOM, replace(DINGTALK, code="warehouse"), replace(SMS, code="sms"), replace(SMTP, code="mail")):
        await Shops(fresh, ring).add(shop, None, NOON)
    ways = [{"account": account} for account in ("wecom/duty", "dingtalk/warehouse", "aliyun_sms/sms", "smtp/mail")]
    await change_rules(fresh, lambda body: body["recipients"].update(service_supervisor=ways))
    return fresh


async def change_rules(database: Database, edit: Any) -> None:
    versions = SettingVersions(database)
    active = await versions.one("messages")
    body = settings_docs.filled("messages", active.body)
    edit(body)
    await versions.activate("messages", body, Change("test", "a test", NOON, active.version))


async def said(database: Database, saying: Saying, now: datetime = NOON) -> int:
    async with database.transaction() as tx:
        return await messaging.say(tx, saying, now)


async def states(database: Database) -> list[tuple[str, str]]:
    found = await rows(database, "SELECT vendor, state FROM message ORDER BY id")
    return [(row.vendor, row.state) for row in found]


class Drain:
    """One account's queue as its drain sees it."""

    def __init__(self, database: Database, ring: KeyRing, account: str, profile: Profile = Profile.LIVE) -> None:
        self.queue = Queue(MESSAGE, *account.split("/"))
        self.calls, self.messages = SqlOutgoing(database, ring), SqlMessages(database, ring, profile)

    async def due(self, now: datetime) -> list[Call]:
        return await self.calls.claim(self.queue, now, 100)

    async def prepare(self, call: Call, now: datetime) -> Outgoing | Postponed | None:
        return await self.messages.prepare(self.queue, call, now)

    async def run(self, now: datetime) -> list[Outgoing]:
        """Send what may leave."""
        sent = []
        for call in await self.due(now):
            found = await self.prepare(call, now)
            if isinstance(found, Outgoing):
                sent.append(found)
                await self.messages.sent(call, "receipt", now)
            if not isinstance(found, Postponed):
                await self.calls.done(self.queue, call, now)
        return sent


async def test_a_saying_is_written_once_per_account_and_never_again(connected: Database) -> None:
    assert await said(connected, LATE) == 4
    assert await said(connected, LATE) == 0
    assert await said(connected, LATE, NOON + timedelta(days=300)) == 0
    assert len(await states(connected)) == 4
    found = await rows(connected, "SELECT kind, vendor, shop, order_key FROM outgoing ORDER BY id")
    assert {row.kind for row in found} == {MESSAGE}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("nobody.asked", "no rule for nobody.asked"), ("case.overdue", "no account wecom/duty is connected")],
)
async def test_a_saying_without_a_rule_or_an_account_is_kept_and_harms_nobody(
    database: Database, kind: str, reason: str
) -> None:
    assert await said(database, replace(LATE, kind=kind)) == 0
    (row,) = await rows(database, "SELECT state, reason FROM message")
    assert row.state == "nobody"
    assert reason in row.reason
    assert await rows(database, "SELECT id FROM outgoing") == []


async def test_a_template_that_lacks_a_fact_is_sent_with_its_name_and_raises_an_alert(connected: Database) -> None:
    words = {"title": "{subject}", "text": "{hours} h, {who}"}
    await change_rules(connected, lambda body: body["templates"].update(overdue=words))
    assert await said(connected, LATE) == 4
    assert {row.text for row in await rows(connected, "SELECT text FROM message")} == {"2 h, {who}"}
    (alert,) = await rows(connected, "SELECT kind, subject, words FROM alert")
    assert (alert.kind, alert.subject) == ("message_template", "overdue")
    assert "who" in alert.words


async def test_a_new_alert_that_has_a_row_is_said_and_its_repeat_is_not(connected: Database) -> None:
    """INV-7, INT-3: the shipped rows tell the supply chain of an opened breaker and the IT owner of failing pulls."""
    for kind in ("oversell_breaker", "oversell_breaker", "pull", "stuck"):
        async with connected.transaction() as tx:
            await alerts.raise_alert(tx, NewAlert(kind, Level.CRITICAL, "TEE", "3 orders"), NOON)
    found = await rows(connected, "SELECT kind, vendor, state, level, text FROM message ORDER BY id")
    assert [tuple(row) for row in found] == [
        ("alert.oversell_breaker", "wecom", "waiting", "critical", STOPPED),
        ("alert.pull", "smtp", "waiting", "critical", PULL),
    ]


async def test_an_alert_that_was_cleared_and_comes_back_is_said_again(connected: Database) -> None:
    for n in range(2):
        async with connected.transaction() as tx:
            now = NOON + timedelta(hours=n)
            await alerts.raise_alert(tx, NewAlert("oversell_breaker", Level.CRITICAL, "TEE", "again"), now)
            await alerts.clear(tx, "TEE", now)
    assert len(await states(connected)) == 2


async def test_a_message_leaves_once_with_the_same_id_at_every_try(connected: Database, ring: KeyRing) -> None:
    drain = Drain(connected, ring, "wecom/duty")
    await said(connected, LATE)
    (call,) = await drain.due(NOON)
    first = await drain.prepare(call, NOON)
    again = await drain.prepare(call, NOON + timedelta(seconds=5))
    assert isinstance(first, Outgoing)
    assert isinstance(again, Outgoing)
    assert (first.ref, first.tried_at) == (again.ref, None)
    assert again.tried_at == NOON
    await drain.messages.sent(call, "r", NOON)
    assert await drain.prepare(call, NOON) is None


async def test_what_was_said_a_moment_ago_is_not_said_again_unless_it_is_louder(
    connected: Database, ring: KeyRing
) -> None:
    drain = Drain(connected, ring, "wecom/duty")
    for n, level in enumerate(("warning", "warning", "critical")):
        await said(connected, replace(LATE, key=f"k{n}", level=level))
    assert [one.level for one in await drain.run(NOON)] == ["warning", "critical"]
    await said(connected, replace(LATE, key="k3"), NOON + timedelta(seconds=599))
    await said(connected, replace(LATE, key="k4", subject="C2"), NOON + timedelta(seconds=599))
    assert len(await drain.run(NOON + timedelta(seconds=599))) == 1
    await said(connected, replace(LATE, key="k5"), NOON + timedelta(seconds=1300))
    assert len(await drain.run(NOON + timedelta(seconds=1300))) == 1
    assert [state for vendor, state in await states(connected) if vendor == "wecom"].count("repeated") == 2


async def test_at_night_only_what_is_critical_or_marked_leaves(connected: Database, ring: KeyRing) -> None:
    drain = Drain(connected, ring, "wecom/duty")
    await said(connected, replace(LATE, kind="case.opened", key="a", subject="A"), NIGHT)
    await said(connected, replace(LATE, kind="case.opened", key="b", subject="B", level="critical"), NIGHT)
    await said(connected, replace(LATE, key="c", subject="C"), NIGHT)
    calls = await drain.due(NIGHT)
    found = [await drain.prepare(call, NIGHT) for call in calls]
    assert [isinstance(one, Outgoing) for one in found] == [False, True, True]
    waits = found[0]
    assert isinstance(waits, Postponed)
    assert NIGHT + timedelta(seconds=waits.seconds) == MORNING
    assert isinstance(await drain.prepare(calls[0], MORNING), Outgoing)


async def test_sped_up_there_is_no_night(connected: Database, ring: KeyRing) -> None:
    await said(connected, replace(LATE, kind="case.opened"), NIGHT)
    assert len(await Drain(connected, ring, "wecom/duty", Profile.DEMO).run(NIGHT)) == 1


async def test_over_the_pace_a_message_waits_its_turn(connected: Database, ring: KeyRing) -> None:
    """A WeCom robot takes 20 a minute."""
    drain = Drain(connected, ring, "wecom/duty")
    for n in range(25):
        await said(connected, replace(LATE, kind=f"case.k{n}", key=f"k{n}", subject=f"C{n}"))
    calls = await drain.due(NOON)
    found = [await drain.prepare(call, NOON) for call in calls]
    assert [isinstance(one, Outgoing) for one in found] == [True] * 20 + [False] * 5
    assert found[-1] == Postponed(60.0, "wecom takes no more for 60 s")
    assert isinstance(await drain.prepare(calls[-1], NOON + timedelta(seconds=61)), Outgoing)


async def test_ten_of_a_kind_for_one_robot_become_one_digest(connected: Database, ring: KeyRing) -> None:
    for n in range(12):
        await said(connected, replace(LATE, key=f"k{n}", subject=f"C{n}"))
    (one,) = await Drain(connected, ring, "wecom/duty").run(NOON)
    assert one.title == "超时：C0（共 12 条）"
    assert one.text.splitlines()[11] == "12. C11 已超过处理时限，请马上处理。"
    mails = await Drain(connected, ring, "smtp/mail").run(NOON)
    assert len(mails) == 12
    assert [state for vendor, state in await states(connected) if vendor == "wecom"].count("merged") == 11


async def test_whom_a_message_names_is_read_as_it_is_sent_and_stands_in_no_queue(
    connected: Database, ring: KeyRing
) -> None:
    await said(connected, LATE)
    ways = [{"account": "wecom/duty", "mobiles": ["13800138000"], "users": ["li"]}]
    await change_rules(connected, lambda body: body["recipients"].update(service_supervisor=ways))
    (one,) = await Drain(connected, ring, "wecom/duty").run(NOON)
    assert (one.mobiles, one.users) == (("13800138000",), ("li",))
    assert "13800138000" not in str(await rows(connected, "SELECT * FROM message, outgoing"))


async def test_a_refused_message_is_told_in_the_console_until_one_is_taken(connected: Database, ring: KeyRing) -> None:
    drain = Drain(connected, ring, "wecom/duty")
    await said(connected, LATE)
    (call,) = await drain.due(NOON)
    await drain.prepare(call, NOON)
    await drain.messages.refused(call, "refused (93000): invalid", NOON)
    await drain.calls.refused(drain.queue, call, "refused (93000): invalid", NOON)
    (alert,) = await rows(connected, "SELECT kind, subject FROM alert WHERE cleared_at IS NULL")
    assert tuple(alert) == ("message_refused", "wecom/duty")
    await said(connected, replace(LATE, key="k2", subject="C2"))
    assert len(await drain.run(NOON)) == 1
    assert await rows(connected, "SELECT kind FROM alert WHERE cleared_at IS NULL") == []


RECEIVERS: Mapping[str, tuple[ContactForm, str, str]] = {
    "plain": (ContactForm.PLAIN, "138 1234 5678", "13812345678"),
    "landline": (ContactForm.PLAIN, "0755-12345678", ""),
    "no number": (ContactForm.PLAIN, "", ""),
    "masked": (ContactForm.MASKED, "138****5678", ""),
    "ciphertext": (ContactForm.CIPHERTEXT, "~AbCd13812345678", ""),
}


@pytest.mark.parametrize("how", RECEIVERS)
async def test_a_buyers_number_is_opened_as_the_sms_is_sent_and_a_hidden_one_is_no_failure(
    connected: Database, ring: KeyRing, how: str
) -> None:
    form, phone, wanted = RECEIVERS[how]
    await planned(connected, ring, A=1)
    no = key()
    async with connected.transaction() as tx:
        await contacts.save(tx, ring, no, Contact(form, "广东省", "深圳市", phone=phone))
        saying = Saying("case.paid", "case:C1:paid", "C1", order_key=no)
        assert await messaging.say_to_buyer(tx, saying, NOON) == 1
        assert await messaging.say_to_buyer(tx, saying, NOON) == 0
        await messaging.say(tx, saying, NOON)
    sent = await Drain(connected, ring, "aliyun_sms/sms").run(NOON)
    assert [one.mobiles for one in sent] == ([(wanted,)] if wanted else [])
    found = await rows(connected, "SELECT state, reason FROM message WHERE roles = 'buyer'")
    assert [row.state for row in found] == ["sent" if wanted else "no_phone"]
    assert "13812345678" not in str(await rows(connected, "SELECT * FROM message, outgoing"))


async def test_a_test_message_goes_to_one_account_at_any_hour(connected: Database, ring: KeyRing) -> None:
    async with connected.transaction() as tx:
        assert await messaging.say_test(tx, "dingtalk/warehouse", NIGHT) == 1
    (one,) = await Drain(connected, ring, "dingtalk/warehouse").run(NIGHT)
    assert one.title == "测试消息"


def test_every_vendor_of_messages_has_a_shipped_pace() -> None:
    shipped = settings_docs.filled("messages", {})
    assert set(shipped["limits"]) == set(ACCOUNTS)
    assert shipped["limits"]["wecom"] == shipped["limits"]["dingtalk"] == [{"messages": 20, "seconds": 60}]
    assert shipped["limits"]["feishu"] == [{"messages": 100, "seconds": 60}, {"messages": 5, "seconds": 1}]
