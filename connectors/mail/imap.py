"""One mail account that is read by IMAP (RFC 3501). Owns the talk; letters.py reads what a letter says.

Nothing is changed there: the folder is opened read-only, letters stay unseen and where they are. How far we have read
is the server's own number of a letter (UID), which counts while the folder's UIDVALIDITY stays; when that is another
one, or the first, the letters since yesterday are read, and those that are known are told by their Message-ID.
"""

import asyncio
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx

from connectors import fields
from connectors.mail.letters import read_letter
from connectors.outbound import Clock
from connectors.vendor import Vendor
from domain.errors import Broken, Unavailable
from domain.mail import Letter, MailPlace, Post
from domain.shops import Role, Shop

SECONDS = 5.0
"""How long one word of the server is waited for; the bulkhead's time is that of the whole reading."""
SCHEMES = {"imap": 143, "imap+starttls": 143, "imaps": 993}
MOST_LETTERS = 20
MOST_BYTES = 4 * 1024 * 1024
"""A larger letter is kept up to here; a reading brings no more than this, or one letter."""
REACH = timedelta(days=1)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZE = re.compile(rb"UID (\d+)[^)]*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^)]*?UID (\d+)")

Session = imaplib.IMAP4


class ImapMailbox:
    """One account; `endpoint_url` is imaps://host:993, imap+starttls://host:143 or imap://host:143."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock

    async def letters(self, place: MailPlace) -> Post:
        """Read the letters after a place, oldest first. Changes nothing there.

        Unavailable when the server cannot be reached, Broken when it does not take the login or knows no such folder.
        """
        return await asyncio.to_thread(self._read, place, self._clock())

    def _read(self, place: MailPlace, now: datetime) -> Post:
        with self._errors(), self._session() as session:
            self._log_in(session)
            validity = self._open(session)
            fresh = MailPlace(validity, place.last_uid if place.uid_validity == validity else 0)
            uids = self._new(session, fresh, now)
            letters: list[Letter] = []
            size = 0
            for uid, bytes_ in self._sizes(session, uids[:MOST_LETTERS]).items():
                if letters and size + min(bytes_, MOST_BYTES) > MOST_BYTES:
                    break
                raw = self._raw(session, uid, bytes_)
                size += len(raw)
                if raw:
                    letters.append(Letter(uid, raw, read_letter(raw, bytes_, self._shop, now)))
            return Post(validity, tuple(letters), more=bool(letters) and letters[-1].uid < max(uids))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        where = urlsplit(self._shop.endpoint_url)
        if where.scheme not in SCHEMES or not where.hostname:
            raise Broken(
                f"shop {self._shop.code} (imap): the URL is none of imaps://, imap+starttls://, imap://HOST:PORT"
            )
        port = where.port or SCHEMES[where.scheme]
        if where.scheme == "imaps":
            session: Session = imaplib.IMAP4_SSL(
                where.hostname, port, ssl_context=ssl.create_default_context(), timeout=SECONDS
            )
        else:
            session = imaplib.IMAP4(where.hostname, port, timeout=SECONDS)
        with session:
            if where.scheme == "imap+starttls":
                session.starttls(ssl.create_default_context())
            yield session

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Translate what goes wrong on the line; a server's words may quote a letter, so they are not told."""
        try:
            yield
        except imaplib.IMAP4.abort as error:
            raise Unavailable(f"the mail server ended the talk: {type(error).__name__}") from error
        except imaplib.IMAP4.error as error:
            raise Broken(f"the mail server's answer is not understood: {type(error).__name__}") from error
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"the mail server cannot be used now: {type(error).__name__}") from error

    def _log_in(self, session: Session) -> None:
        try:
            session.login(self._shop.key_id, fields.current_secret(self._shop))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise Broken(
                f"the mail server does not take the login of imap/{self._shop.code}: mend it with oms shop key"
            ) from error
        if "ID" in session.capabilities:  # NetEase opens no folder before it knows who asks (RFC 2971)
            session.xatom("ID", '("name" "Steadfast")')

    def _open(self, session: Session) -> int:
        folder = self._shop.params.get("folder", "INBOX")
        kind, _ = session.select(f'"{folder}"', readonly=True)
        if kind != "OK":
            raise Broken(f"the account imap/{self._shop.code} has no folder {folder!r} that can be opened")
        _, told = session.response("UIDVALIDITY")
        value = told[0] if told and isinstance(told[0], bytes) else b""
        return int(value) if value.isdigit() else 1

    def _new(self, session: Session, place: MailPlace, now: datetime) -> list[int]:
        """List the numbers after a place; `n:*` means the last one too, be it before n."""
        if place.last_uid:
            asked = f"UID {place.last_uid + 1}:*"
        else:
            since = now - REACH
            asked = f"SINCE {since.day:02d}-{MONTHS[since.month - 1]}-{since.year}"
        kind, told = session.uid("SEARCH", asked)
        if kind != "OK":
            raise Broken("the mail server does not search")
        found = b" ".join(part for part in told if isinstance(part, bytes)).split()
        return sorted(uid for uid in map(int, filter(bytes.isdigit, found)) if uid > place.last_uid)

    def _sizes(self, session: Session, uids: list[int]) -> dict[int, int]:
        """Ask how large letters are; one that was deleted meanwhile has none and is left out."""
        if not uids:
            return {}
        _, told = session.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
        found = (_SIZE.search(line) for line in told if isinstance(line, bytes))
        sizes = {int(one[1] or one[4]): int(one[2] or one[3]) for one in found if one}
        return {uid: sizes[uid] for uid in uids if uid in sizes}

    def _raw(self, session: Session, uid: int, size: int) -> bytes:
        part = f"(BODY.PEEK[]<0.{MOST_BYTES}>)" if size > MOST_BYTES else "(BODY.PEEK[])"
        _, told = session.uid("FETCH", str(uid), part)
        return next((one[1] for one in told if isinstance(one, tuple) and len(one) > 1), b"")


VENDOR = Vendor(
    name="imap",
    role=Role.MAIL,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="imaps://HOST:993, imap+starttls://HOST:143 or imap://HOST:143",
    key_id="the login",
    secret="the password of the login, or the code that the provider gives for programs (授权码)",  # noqa: S106
    optional_params={"folder": "the folder that is read, INBOX without it"},
    mailbox=ImapMailbox,
)
