"""Letters as buyers' programs write them, and as nobody should: all are read, nothing is lost in silence (EXC-4)."""

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail.letters import NO_TEXT, read_letter
from domain.shops import Role, Shop
from domain.tickets import LONGEST_WORDS, TicketKind, TicketObserved
from tests.connectors.worlds import NOW

HELP = Shop("imap", "help", Role.MAIL, "Asia/Shanghai", "CNY", "imap://127.0.0.1:1", "oms", ("secret",))


def letter(text: str = "订单 D1 什么时候发货？", subject: str = "催发货", **headers: str) -> EmailMessage:
    made = EmailMessage()
    named = {"From": "李四 <li@example.com>", "Subject": subject, "Message-ID": "<m1@example.com>"}
    named |= {"Date": "Sun, 22 Nov 2026 12:00:00 +0800"}
    for name, value in (named | {key.replace("_", "-"): one for key, one in headers.items()}).items():
        made[name] = value
    made.set_content(text)
    return made


def seen(raw: bytes | EmailMessage, size: int = 0) -> TicketObserved:
    body = raw if isinstance(raw, bytes) else raw.as_bytes()
    found = read_letter(body, size or len(body), HELP, NOW)
    assert found is not None
    return found


def test_a_letter_says_who_wrote_what_about_what() -> None:
    found = seen(letter())
    assert found.words == "催发货\n订单 D1 什么时候发货？"
    assert found.contact == "李四 <li@example.com>"
    assert (found.thread, found.message_id) == ("mail:m1@example.com", "mail:m1@example.com")
    assert (found.ticket_kind, found.said_at) == (TicketKind.REMINDER, datetime(2026, 11, 22, 4, tzinfo=UTC))
    assert (found.notes, found.answers, found.ticket_no) == ((), (), "")
    assert "李四" not in repr(found)


def test_a_reply_names_what_it_answers_and_leaves_the_quotation_out() -> None:
    told = letter(
        "还没到\n> 您好，明天发出\n> 谢谢",
        "Re: [T2611280001] 催发货",
        In_Reply_To="<a2@shop.example>",
        References="<m0@example.com> <a1@shop.example> <a2@shop.example>",
    )
    found = seen(told)
    assert found.answers == ("mail:a2@shop.example", "mail:a1@shop.example", "mail:m0@example.com")
    assert (found.ticket_no, found.words) == ("T2611280001", "Re: [T2611280001] 催发货\n还没到")
    assert found.notes == ("2 quoted lines",)


def test_html_is_read_as_text_and_attachments_are_named_only() -> None:
    made = letter("")
    made.set_content(
        "<style>p{}</style><p>衣服<b>破了</b></p><script>alert(1)</script><div>请退款</div>", subtype="html"
    )
    made.add_attachment(b"\x89PNG" * 10, maintype="image", subtype="png", filename="破洞.png")
    found = seen(made)
    assert found.words == "催发货\n衣服破了\n\n请退款"
    assert found.notes == ("attachment 破洞.png (image/png, 40 bytes): see the message as received",)


def test_plain_text_goes_before_html() -> None:
    made = letter("纯文本")
    made.add_alternative("<p>网页</p>", subtype="html")
    assert seen(made).words == "催发货\n纯文本"


@pytest.mark.parametrize(
    ("raw", "words", "notes"),
    [
        (b"", NO_TEXT, ()),
        (b"Subject: =?gb2312?B?zOXR6Q==?=\n\n", "体验", ()),
        (b"Subject: =?none?B?AAA?=\n\nhi", "=?none?B?AAA?=\nhi", ()),
        (b"Content-Type: text/plain; charset=gb2312\n\n\x9eD\xd5\xfd", "濪正", ()),
        (b"Content-Type: text/plain; charset=nothing\n\nhi \xe4\xbd\xa0", "hi 你", ()),
        (b"Content-Type: text/plain; charset=utf-8\n\n\xff\xff", "��", ("some characters cannot be read (utf-8)",)),
        (
            b"Content-Transfer-Encoding: base64\n\n!!!",
            NO_TEXT,
            ("a part of the letter cannot be decoded: see the message as received",),
        ),
        (b"Content-Type: text/html\n\n<![foo[<p>hi", "", ()),
        (b"Content-Type: multipart/mixed\n\nno boundary", NO_TEXT, ()),
        (b"Subject: a\x00b\n\nc\x00d", "ab\ncd", ()),
    ],
)
def test_what_is_broken_is_read_as_far_as_it_goes(raw: bytes, words: str, notes: tuple[str, ...]) -> None:
    found = seen(raw)
    assert words in found.words
    assert found.notes[: len(notes)] == notes
    assert found.message_id.startswith("mail:sha256:")


def test_what_is_too_long_is_cut_and_says_so() -> None:
    found = seen(letter("啊" * 9000))
    assert len(found.words) == LONGEST_WORDS
    assert "the text has 9004 characters; the first 4000 are shown" in found.notes
    found = seen(letter(), size=10_000_000)
    assert found.notes[0].startswith("the letter has 10000000 bytes; the first ")


def test_a_letter_within_letters_without_end_is_kept_and_told() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(5_000))
    found = seen(deep)
    assert found.words == NO_TEXT
    assert len(found.notes) <= 1


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-generated"}, {"Auto_Submitted": "auto-replied; x"}, {"Precedence": "bulk"}],
)
def test_what_a_machine_wrote_by_itself_is_no_ticket(headers: dict[str, str]) -> None:
    body = letter(**headers).as_bytes()
    assert read_letter(body, len(body), HELP, NOW) is None
    assert seen(letter(Auto_Submitted="no"))


def test_a_number_that_fits_no_index_goes_by_its_digest() -> None:
    found = seen(b"Message-ID: <" + b"x" * 900 + b"@a>\n\nhi")
    assert found.message_id.startswith("mail:sha256:")
    assert len(found.message_id) < 100


@given(raw=st.binary(max_size=300), head=st.sampled_from([b"", b"Content-Type: text/html\n\n", b"Subject: =?gbk?Q?"]))
def test_whatever_arrives_is_read(raw: bytes, head: bytes) -> None:
    body = head + raw
    found: Any = read_letter(body, len(body), HELP, NOW)
    assert found is None or found.words.strip()
