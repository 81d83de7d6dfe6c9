"""What is said to whom and when: rows, templates, quiet hours, pace, length (OPS-3). No database."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messages import (
    BUYER,
    MessageRules,
    Pace,
    Quiet,
    Recipient,
    Rule,
    Saying,
    Template,
    digest,
    pause,
    quiet_until,
    shorten,
    write,
)

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # noon in Shanghai
NIGHT = Quiet("Asia/Shanghai", time(22), time(8))
RULES = MessageRules(
    recipients={
        "lead": (Recipient("wecom/duty", mobiles=("13800000001",)), Recipient("smtp/mail", mails=("a@x.cn",))),
        "agent": (Recipient("wecom/duty", mobiles=("13800000002",), users=("li",)),),
        BUYER: (Recipient("aliyun_sms/sms"),),
    },
    rules=(
        Rule("case.overdue", ("lead", "agent"), "late", quiet=False),
        Rule("case.paid", (BUYER,), "paid"),
        Rule("case.*", ("lead",), "loud", level="critical"),
        Rule("case.*", ("agent",), "case"),
    ),
    templates={},
    quiet=NIGHT,
    window_seconds=600,
    paces={},
    merge_from=10,
)


def saying(kind: str, level: str = "note") -> Saying:
    return Saying(kind, "k", "C1", level)


@pytest.mark.parametrize(
    ("kind", "level", "template"),
    [
        ("case.overdue", "note", "late"),
        ("case.opened", "note", "case"),
        ("case.opened", "critical", "loud"),
        ("case.paid", "note", "case"),
        ("exception.opened", "critical", None),
        ("case", "note", None),
    ],
)
def test_the_first_row_that_fits_the_kind_and_its_level_decides(kind: str, level: str, template: str | None) -> None:
    found = RULES.rule(saying(kind, level))
    assert (found.template if found else None) == template


def test_a_row_for_buyers_alone_speaks_to_buyers_alone() -> None:
    found = RULES.buyer_rule(saying("case.paid"))
    assert found is not None
    assert found.template == "paid"
    assert RULES.buyer_rule(saying("case.opened")) is None


def test_an_account_that_reaches_two_roles_is_used_once_and_names_both() -> None:
    assert RULES.accounts(("lead", "agent", "nobody")) == {"wecom/duty": ("lead", "agent"), "smtp/mail": ("lead",)}
    both = RULES.addressees("wecom/duty", ("lead", "agent"))
    assert (both.mobiles, both.users) == (("13800000001", "13800000002"), ("li",))
    assert RULES.addressees("wecom/duty", ("agent",)).mobiles == ("13800000002",)
    assert RULES.addressees("smtp/mail", ()).mails == ("a@x.cn",)


def test_a_fact_that_is_missing_stays_as_its_name_and_is_told() -> None:
    template = Template("{subject} 超时", "{subject}：{who} {days} 天", params={"no": "{subject}"})
    words = write(template, Saying("case.overdue", "k", "C1", facts={"days": "3"}), "aliyun_sms")
    assert (words.title, words.text, words.missing) == ("C1 超时", "C1：{who} 3 天", ("who",))
    assert (words.code, words.params) == ("", {"no": "C1"})


def test_a_fact_with_braces_is_no_template() -> None:
    words = write(Template("t", "{a}"), Saying("k", "k", "s", facts={"a": "{b} {0} {a}"}), "wecom")
    assert (words.text, words.missing) == ("{b} {0} {a}", ())


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("21:59", None),
        ("22:00", "08:00 next"),
        ("23:30", "08:00 next"),
        ("00:00", "08:00"),
        ("07:59", "08:00"),
        ("08:00", None),
        ("12:00", None),
    ],
)
def test_quiet_hours_go_over_midnight_in_their_own_zone(local: str, until: str | None) -> None:
    hour, minute = map(int, local.split(":"))
    now = datetime(2026, 11, 22, hour, minute, tzinfo=UTC) - timedelta(hours=8)
    end = datetime(2026, 11, 23 if until and "next" in until else 22, 0, 0, tzinfo=UTC)
    assert NIGHT.over_at(now) == (end if until else None)
    assert quiet_until(RULES, "critical", can_wait=True, now=now) is None
    assert quiet_until(RULES, "warning", can_wait=False, now=now) is None


def test_quiet_hours_within_a_day_end_on_that_day() -> None:
    noon = Quiet("Asia/Shanghai", time(11), time(13))
    assert noon.over_at(NOW) == NOW + timedelta(hours=1)
    assert noon.over_at(NOW + timedelta(hours=1)) is None


def test_a_message_over_the_pace_waits_until_the_oldest_of_the_window_is_over() -> None:
    newest = [NOW - timedelta(seconds=s) for s in (1, 10, 50, 70)]
    assert pause(Pace(4, 60), newest, NOW) == 0
    assert pause(Pace(3, 60), newest, NOW) == pytest.approx(10)
    assert pause(Pace(1, 60), newest, NOW) == pytest.approx(59)


def test_a_digest_counts_and_keeps_the_order() -> None:
    assert digest("超时", ["a", "b"]) == ("超时（共 2 条）", "1. a\n2. b")


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_a_text_is_cut_to_bytes_and_never_within_a_character(text: str, most: int) -> None:
    short = shorten(text, most)
    assert len(short.encode()) <= most
    whole = text.encode("utf-8", "replace").decode()
    assert short == whole or whole.startswith(short.removesuffix("…"))


def test_a_cut_text_says_that_it_was_cut() -> None:
    assert shorten("售后单超时", 15) == "售后单超时"
    assert shorten("售后单超时", 14) == "售后单…"
