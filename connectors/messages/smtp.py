"""Mail by SMTP. Owns the letter, the way to the server and its reply codes (RFC 5321).

The Message-ID is derived from our id and the same at every try: a repeat after an unknown outcome is one letter to
every mail system that looks at it.
"""

import ssl
from email.message import EmailMessage
from urllib.parse import urlsplit

import aiosmtplib
import httpx

from connectors import fields
from connectors.outbound import Clock
from connectors.robots import headline
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.messages import Outgoing, shorten
from domain.shops import Shop

SECONDS = 12.0
TITLE_BYTES, TEXT_BYTES = 512, 100_000
SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
TOO_OFTEN = {421, 450, 452}
WRONG_LOGIN = {530, 534, 535, 538}
PATIENCE_SECONDS = 60.0


class SmtpMail:
    """One mail account; `endpoint_url` is smtps://host:465, smtp+starttls://host:587 or smtp://host:25."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock

    async def send(self, message: Outgoing) -> str:
        """Send one letter to all; the receipt is its Message-ID, with how many addresses the server did not take."""
        letter = self._letter(message)
        to = str(letter["To"]).split(", ")
        try:
            turned, _ = await self._post(letter)
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise _failure(first.code, fields.vendor_text(first.message, to), message.ref) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _failure(error.code, fields.vendor_text(error.message, to), message.ref) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Unavailable(f"the mail server cannot be used now ({message.ref}): {type(error).__name__}") from error
        except ValueError as error:
            raise Broken(f"the mail account cannot be used ({message.ref}): {type(error).__name__}") from error
        turned_away = f", {len(turned)} of {len(to)} addresses refused" if turned else ""
        return f"{letter['Message-ID']}{turned_away}"

    async def _post(self, letter: EmailMessage) -> tuple[dict[str, aiosmtplib.SMTPResponse], str]:
        where = urlsplit(self._shop.endpoint_url)
        if where.scheme not in SCHEMES or not where.hostname:
            raise Broken(
                f"shop {self._shop.code} (smtp): the URL is none of smtps://, smtp+starttls://, smtp://HOST:PORT"
            )
        login = self._shop.key_id if self._shop.params.get("login", "yes") != "no" else None
        return await aiosmtplib.send(
            letter,
            hostname=where.hostname,
            port=where.port or SCHEMES[where.scheme],
            username=login,
            password=fields.current_secret(self._shop) if login else None,
            use_tls=where.scheme == "smtps",
            start_tls=where.scheme == "smtp+starttls",
            tls_context=ssl.create_default_context() if where.scheme != "smtp" else None,
            timeout=SECONDS,
        )

    def _letter(self, message: Outgoing) -> EmailMessage:
        sender = fields.param(self._shop, "from")
        standing = tuple(one for one in self._shop.params.get("to", "").replace(" ", "").split(",") if one)
        to = message.mails or standing
        if not to:
            raise Refused("no_address", f"nobody to write to ({message.ref}): give the role mails, or the account `to`")
        letter = EmailMessage()
        try:
            letter["From"], letter["To"] = sender, ", ".join(to)
            letter["Subject"] = shorten(" ".join(headline(message.title, message.level).split()), TITLE_BYTES)
        except ValueError as error:
            raise Refused("no_address", f"an address of {message.ref} cannot be written: mend it") from error
        letter["Message-ID"] = f"<{message.ref}@{sender.rpartition('@')[2].strip('<> ')}>"
        letter["Date"] = self._clock()
        letter["Auto-Submitted"] = (
            "auto-generated"  # no mail account answers it by itself, or opens a ticket (RFC 3834)
        )
        letter.set_content(shorten(message.text, TEXT_BYTES))
        return letter


def _failure(code: int, words: str, ref: str) -> OmsError:
    """Translate a reply of the server: 4xx is for later, 5xx for ever."""
    told = f"{words} ({ref})"
    if code in TOO_OFTEN:
        return RateLimited(f"smtp {code}: {told}", PATIENCE_SECONDS)
    if 400 <= code < 500 or code < 0:
        return Unavailable(f"smtp {code}: {told}")
    if code in WRONG_LOGIN:
        return Broken(f"smtp {code}, the login of the account is not taken: {told}")
    return Refused(str(code), told)
