"""An overdue case climbs its ladder; who stands there hears by WeCom, DingTalk, SMS and mail (AFT-5, EXC-3, OPS-3).

A real workflow climbs in compressed time, real drains send; what arrived stands in the simulated services' own books.
"""

from typing import Any

from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from clients.clock import utc_now
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseKind, Choice, Origin, workflow_id
from domain.messages import MESSAGE
from domain.outgoing import Queue
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from store.settings_versions import Change, SettingVersions
from tests.journeys.test_messages import Outside, connect, drain_of, outside
from tests.workflows.cases import CaseHouse
from tests.workflows.house import LOOPS, eventually

SERVICES = ("wecom", "dingtalk", "aliyun_sms", "smtp")
WHO = {
    "service_agent": [{"account": "wecom/duty", "mobiles": ["13800138001"]}],
    "service_supervisor": [{"account": "dingtalk/duty"}],
    "ceo": [
        {"account": "smtp/duty", "mails": ["ceo@shop.example"]},
        {"account": "aliyun_sms/duty", "mobiles": ["13900139000"]},
    ],
}
NPS = "影响NPS风险"


def seconds(demo: float) -> dict[str, float]:
    """A duration as the documents write it."""
    return {"live": 3600, "demo": demo}


async def compress(database: Database) -> None:
    """Let hours last tenths of a second, and name who hears where."""
    ladder = {
        "process": "case",
        "step": "review",
        "due_seconds": seconds(0.6),
        "warn_seconds": seconds(0.4),
        "warn_role": "service_agent",
        "rungs": [
            {"after_seconds": seconds(0.6), "role": "service_supervisor"},
            {"after_seconds": seconds(1.2), "role": "ceo", "words": NPS},
        ],
    }
    versions = SettingVersions(database)
    for kind, name, change in (("sla", "rows", [ladder]), ("messages", "recipients", WHO)):
        active = await versions.one(kind)
        body = settings_docs.filled(kind, active.body)
        body[name] = body[name] | change if isinstance(change, dict) else change
        await versions.activate(kind, body, Change("test", "a test", utc_now(), active.version))


async def drained(drains: DrainActivities) -> None:
    """Let the drain of every account look once."""
    for vendor in SERVICES:
        await ActivityEnvironment().run(drains.drain, Queue(MESSAGE, vendor, "duty"), LOOPS, 1)


async def heard(house: CaseHouse, there: Outside, drains: DrainActivities, most: int) -> list[dict[str, Any]]:
    """Send what waits until so many messages arrived; give the services' books, in the order of arrival."""

    async def arrived() -> bool:
        await house.settle()
        await drained(drains)
        return len((await there.books())["messages"]) >= most

    await eventually(arrived, lambda: house.query("SELECT kind, vendor, state, reason, roles FROM message"))
    return list((await there.books())["messages"])


async def test_an_overdue_case_reaches_the_agent_the_supervisor_and_the_head_of_the_company(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    async with outside() as there:
        await connect(database, ring, there)
        await compress(database)
        drains = drain_of(database, ring, there)
        house = CaseHouse(temporal, database, ring, profile=Profile.DEMO)
        async with house.open():
            await house.bought("LADDER1", delivered=False)
            case = await house.open_case(
                "LADDER1", CaseKind.COMPENSATION, "other", origin=Origin.AGENT, wanted_minor=5000, asked_by="bob"
            )
            got = await heard(house, there, drains, 4)
            decision = CaseDecision(Choice.REFUSE, "alice", "不符合补偿条件")
            await decide_case(temporal, case, decision, f"r-{case}")
            assert await temporal.get_workflow_handle(workflow_id(case)).result() == "refused"
            await drained(drains)
            books = await there.books()
        rungs = await house.query("SELECT action, detail FROM audit WHERE actor = 'sla' ORDER BY id")
    assert sorted(one["service"] for one in got) == sorted(SERVICES)
    assert [(row.action, row.detail["role"]) for row in rungs] == [
        ("case.due_soon", "service_agent"),
        ("case.overdue", "service_supervisor"),
        ("case.overdue", "ceo"),
    ]
    by = {one["service"]: one for one in got}
    assert by["smtp"]["to"] == ["ceo@shop.example"]
    assert by["aliyun_sms"]["to"] == ["13900139000"]
    assert by["wecom"]["to"] == ["13800138001"]
    assert all(case in one["text"] for one in got if one["service"] != "aliyun_sms")
    assert f"【{NPS}】超时：{case}" in by["smtp"]["text"]
    assert NPS not in by["dingtalk"]["text"]
    assert books["counts"] == dict.fromkeys(SERVICES, 1), "who heard it once does not hear it again"
    assert books["twice"] == []
