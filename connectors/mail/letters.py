"""Reading one letter (RFC 5322, MIME): whose it is, what it says, what it answers. Owns what of it is left out.

Whatever a letter holds, it is read: what nobody can decode is replaced, what does not fit is cut, and notes say so. A
letter that a machine wrote by itself (RFC 3834) says nothing: an answer to our own alert must not become a ticket.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from html.parser import HTMLParser

from connectors import fields
from domain.shops import Shop
from domain.tickets import LONGEST_WORDS, TicketKind, TicketObserved, TicketSource, kind_of

CHANNEL = "imap"
MOST_ANSWERED = 50
MOST_PARTS = 100
MOST_HEADER = 500
LONGEST_ID = 150
UNREADABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What the library's readers raise on letters that are made to hurt. One such letter must not stop all that follow."""
NO_TEXT = "(the letter has no text)"
_ID = re.compile(r"<([^<>\s]{1,998})>")
_TICKET = re.compile(r"(?<![0-9A-Za-z])T\d{10,14}(?!\d)")
_BY_ITSELF = {"bulk", "junk", "list"}
_BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "table", "blockquote"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "us-ascii": "utf-8", "ascii": "utf-8", "unicode-1-1-utf-7": "utf-7"}
"""Character sets that letters name while they use more of a wider one."""


class _Text(HTMLParser):
    """Takes the words out of HTML; nothing of it is ever shown as HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self.words.append("\n" if tag in _BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self.words.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        self.words.append("" if self._unseen else re.sub(r"\s+", " ", data))


def read_letter(raw: bytes, size: int, shop: Shop, now: datetime) -> TicketObserved | None:
    """Read a letter of `size` bytes, of which `raw` may be the beginning only; None when nobody wrote it."""
    try:
        return _read(message_from_bytes(raw), raw, size, shop, now)
    except UNREADABLE:
        note = "the letter cannot be taken apart: see the message as received"
        message_id = f"mail:sha256:{hashlib.sha256(raw).hexdigest()}"
        kind, source = TicketKind.QUESTION, TicketSource.MAIL
        return TicketObserved(CHANNEL, shop.code, message_id, message_id, kind, source, now, NO_TEXT, notes=(note,))


def _read(letter: Message, raw: bytes, size: int, shop: Shop, now: datetime) -> TicketObserved | None:
    if _is_by_itself(letter):
        return None
    words, notes = _words(letter)
    if len(raw) < size:
        notes.insert(0, f"the letter has {size} bytes; the first {len(raw)} are kept, the whole one is in the mailbox")
    subject = _header(letter, "Subject")
    said = "\n".join(part for part in (subject, words) if part) or NO_TEXT
    if len(said) > LONGEST_WORDS:
        notes.append(f"the text has {len(said)} characters; the first {LONGEST_WORDS} are shown")
    named = _TICKET.search(subject)
    own = _ids(letter, "Message-ID")
    message_id = f"mail:{_short(own[0])}" if own else f"mail:sha256:{hashlib.sha256(raw).hexdigest()}"
    answered = [*_ids(letter, "In-Reply-To"), *reversed(_ids(letter, "References"))][:MOST_ANSWERED]
    return TicketObserved(
        channel=CHANNEL,
        shop=shop.code,
        thread=message_id,
        message_id=message_id,
        ticket_kind=kind_of(said),
        source=TicketSource.MAIL,
        said_at=_date(letter, now),
        words=said[:LONGEST_WORDS],
        contact=_contact(letter),
        notes=tuple(notes),
        answers=tuple(f"mail:{_short(one)}" for one in dict.fromkeys(answered)),
        ticket_no=named[0] if named else "",
    )


def _is_by_itself(letter: Message) -> bool:
    auto = _header(letter, "Auto-Submitted").lower().partition(";")[0].strip()
    bulk = _header(letter, "Precedence").lower().strip() in _BY_ITSELF
    return auto not in {"", "no"} or bulk or letter.get_content_type() == "multipart/report"


def _words(letter: Message) -> tuple[str, list[str]]:
    """Give the text, plain before HTML, without what it quotes; and notes about what is left out."""
    plain, pages, notes = [], [], []
    for part in _parts(letter):
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or kind not in {"text/plain", "text/html"}:
            name = _decoded(part.get_filename() or "")[:100] or "without a name"
            size = len(_payload(part))
            notes.append(f"attachment {name} ({kind}, {size} bytes): see the message as received")
        elif kind == "text/plain":
            plain.append(_text(part, notes))
        else:
            pages.append(_of_html(_text(part, notes)))
    text = "\n".join(plain) if any(one.strip() for one in plain) else "\n".join(pages)
    lines = [line.rstrip() for line in fields.storable(text).splitlines()]
    own = [line for line in lines if not line.startswith(">")]
    if len(own) < len(lines):
        notes.append(f"{len(lines) - len(own)} quoted lines")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(own)).strip(), notes


def _parts(letter: Message) -> Iterator[Message]:
    for n, part in enumerate(letter.walk()):
        if n >= MOST_PARTS:
            return
        if not part.is_multipart():
            yield part


def _payload(part: Message) -> bytes:
    """Undo the transfer encoding; whatever is wrong with it, something comes out."""
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: Message, notes: list[str]) -> str:
    """Decode one part; what its character set does not hold is replaced, with a note."""
    named = (part.get_content_charset() or "utf-8").lower()
    raw = _payload(part)
    if not raw and str(part.get_payload()).strip():
        notes.append("a part of the letter cannot be decoded: see the message as received")
    for charset in (_WIDER.get(named, named), "utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    notes.append(f"some characters cannot be read ({named[:40]})")
    return raw.decode("utf-8", "replace")


def _of_html(page: str) -> str:
    reader = _Text()
    reader.feed(page)
    reader.close()
    return "".join(reader.words)


def _header(letter: Message, name: str) -> str:
    return _decoded(str(letter.get(name, "")))[:MOST_HEADER]


def _decoded(text: str) -> str:
    """Decode the encoded words of a header (RFC 2047); one that cannot be stays as it is written."""
    try:
        parts = [(found, (charset or "utf-8").lower()) for found, charset in decode_header(text)]
        words = [
            found.decode(_WIDER.get(charset, charset), "replace") if isinstance(found, bytes) else found
            for found, charset in parts
        ]
    except (HeaderParseError, LookupError, ValueError):
        words = [text]
    return re.sub(r"\s+", " ", fields.storable("".join(words))).strip()


def _contact(letter: Message) -> str:
    """Name who wrote it and where an answer goes, as the letter claims."""
    written = [_header(letter, name) for name in ("From", "Reply-To")]
    return ", ".join(dict.fromkeys(one for one in written if one and parseaddr(one)[1]))[:200]


def _ids(letter: Message, name: str) -> list[str]:
    return _ID.findall(str(letter.get(name, "")))[-MOST_ANSWERED:]


def _short(message_id: str) -> str:
    plain = fields.storable(message_id)
    return (
        plain
        if len(plain) <= LONGEST_ID
        else f"sha256:{hashlib.sha256(message_id.encode('utf-8', 'replace')).hexdigest()}"
    )


def _date(letter: Message, now: datetime) -> datetime:
    try:
        found = parsedate_to_datetime(str(letter.get("Date", "")))
        return fields.believable(found) if found.tzinfo else now
    except (ValueError, TypeError, OverflowError):
        return now
