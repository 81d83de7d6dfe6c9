"""A mail server on loopback, as small as RFC 5321 lets one be. Owns the talk; letters go into the services' books."""

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from simulator.messages import Got, Lost, MessageServices

MOST_BYTES = 1024 * 1024
PATIENCE_SECONDS = 60.0


@dataclass
class _Talk:
    """What one client has said so far."""

    ours: MessageServices
    reader: asyncio.StreamReader
    login: bool = False
    to: list[str] = field(default_factory=list)


Step = Callable[[_Talk, str], Awaitable[str]]


class MailServer:
    """Takes letters with a login and keeps them."""

    def __init__(self, services: MessageServices) -> None:
        self._services = services
        self._server: asyncio.Server | None = None
        self.port = services.settings.smtp_port

    async def start(self) -> None:
        """Listen on loopback; port 0 is a free one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=MOST_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk, answer = _Talk(self._services, reader), "220 mail.simulator ESMTP"
        with contextlib.suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, Lost):
            while answer:
                writer.write(f"{answer}\r\n".encode())
                await writer.drain()
                if answer.startswith("221"):
                    break
                line = (await asyncio.wait_for(reader.readline(), PATIENCE_SECONDS)).decode("utf-8", "replace").strip()
                answer = await _answer(talk, line, writer) if line else ""
        writer.close()


async def _answer(talk: _Talk, line: str, writer: asyncio.StreamWriter) -> str:
    verb, _, rest = line.partition(" ")
    match verb.upper():
        case "EHLO" | "HELO":
            return "250-mail.simulator\r\n250-AUTH PLAIN\r\n250 SIZE 1048576"
        case "AUTH":
            talk.login = _known(talk.ours, rest)
            return "235 2.7.0 ok" if talk.login else "535 5.7.8 authentication failed"
        case "MAIL":
            talk.to = []
            return "250 ok" if talk.login else "530 5.7.0 authentication required"
        case "RCPT":
            address = rest.partition("<")[2].partition(">")[0]
            if address.startswith("nobody@"):
                return "550 5.1.1 no such user"
            talk.to.append(address)
            return "250 ok"
        case "DATA":
            return await _take(talk, writer) if talk.to else "503 5.5.1 no recipients"
        case "RSET" | "NOOP":
            return "250 ok"
        case "QUIT":
            return "221 bye"
    return "502 5.5.2 not known"


def _known(services: MessageServices, rest: str) -> bool:
    """Check AUTH PLAIN with its answer on the same line."""
    settings = services.settings
    wanted = f"\0{settings.smtp_login}\0{settings.smtp_password.get_secret_value()}".encode()
    return rest.upper().startswith("PLAIN ") and rest.split(" ", 1)[1] == base64.b64encode(wanted).decode()


async def _take(talk: _Talk, writer: asyncio.StreamWriter) -> str:
    writer.write(b"354 go on\r\n")
    await writer.drain()
    raw = await asyncio.wait_for(talk.reader.readuntil(b"\r\n.\r\n"), PATIENCE_SECONDS)
    letter = message_from_bytes(raw[:-5], policy=policy.default)
    body = letter.get_body(("plain",))
    text = f"{letter['Subject']}\n{body.get_content().strip() if body else ''}"
    talk.ours.keep(Got("smtp", text, list(talk.to), str(letter["Message-ID"])))
    return "250 2.0.0 queued"
