"""A mailbox on loopback, as small as RFC 3501 lets one be: buyers write to its folder, others read it."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from simulator.clock import now

PATIENCE_SECONDS = 60.0
CAPABILITIES = "IMAP4rev1 ID AUTH=PLAIN"
FOLDER = "INBOX"
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PARTIAL = re.compile(r"BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?")


@dataclass
class Written:
    """One letter in the folder."""

    uid: int
    raw: bytes
    at: datetime


class Mailbox:
    """One folder behind a login. `fresh` throws the numbers away, as a server does that was restored."""

    def __init__(self, login: str, password: str, port: int = 0) -> None:
        self._login = login
        self._password = password
        self._server: asyncio.Server | None = None
        self.port = port
        self.validity = 1
        self.letters: list[Written] = []
        self.read: list[int] = []
        self.hang = False

    def write(self, raw: bytes) -> int:
        """Let a letter arrive."""
        uid = max((one.uid for one in self.letters), default=0) + 1
        self.letters.append(Written(uid, raw, now()))
        return uid

    def fresh(self) -> None:
        """Number all letters anew."""
        self.validity += 1
        for n, letter in enumerate(self.letters, 1):
            letter.uid = n

    async def start(self) -> None:
        """Listen on loopback; port 0 is a free one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = _Talk(self)
        writer.write(f"* OK [CAPABILITY {CAPABILITIES}] mail.simulator\r\n".encode())
        with contextlib.suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            while not talk.over:
                await writer.drain()
                line = (await asyncio.wait_for(reader.readline(), PATIENCE_SECONDS)).decode("utf-8", "replace").strip()
                if not line or self.hang:
                    break
                for part in talk.answer(line):
                    writer.write(part)
            await writer.drain()
        writer.close()

    def knows(self, login: str, password: str) -> bool:
        """Check a login."""
        return (login, password) == (self._login, self._password)


class _Talk:
    """What one client has said so far."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box
        self._in = self._open = False
        self.over = False

    def answer(self, line: str) -> Iterator[bytes]:
        """Answer one command, untagged lines first."""
        tag, _, rest = line.partition(" ")
        words = [found[1] or found[2] or "" for found in _WORD.finditer(rest)]
        told, done = self._do(words, rest)
        yield from told
        yield f"{tag} {done}\r\n".encode()

    def _do(self, words: list[str], rest: str) -> tuple[list[bytes], str]:
        match [word.upper() for word in words[:2]]:
            case ["CAPABILITY", *_]:
                return [f"* CAPABILITY {CAPABILITIES}\r\n".encode()], "OK done"
            case ["ID", *_]:
                return [b"* ID NIL\r\n"], "OK done"
            case ["LOGIN", *_]:
                self._in = self._box.knows(*words[1:3]) if len(words) == 3 else False
                return [], "OK in" if self._in else "NO [AUTHENTICATIONFAILED] wrong login"
            case ["LOGOUT", *_]:
                self.over = True
                return [b"* BYE\r\n"], "OK bye"
            case ["NOOP" | "CLOSE", *_]:
                return [], "OK done"
            case ["EXAMINE" | "SELECT", folder] if self._in:
                return self._select(folder)
            case ["UID", "SEARCH"] if self._open:
                found = " ".join(str(one.uid) for one in self._found(words[2:]))
                return [f"* SEARCH {found}".rstrip().encode() + b"\r\n"], "OK done"
            case ["UID", "FETCH"] if self._open:
                return self._fetch(words[2], rest), "OK done"
        return [], "BAD not now"

    def _select(self, folder: str) -> tuple[list[bytes], str]:
        if folder != FOLDER:
            return [], "NO no such folder"
        self._open = True
        told = f"* {len(self._box.letters)} EXISTS\r\n* OK [UIDVALIDITY {self._box.validity}] numbers\r\n"
        return [told.encode()], "OK [READ-ONLY] open"

    def _found(self, asked: list[str]) -> list[Written]:
        letters = self._box.letters
        if asked[0].upper() == "SINCE":
            day = datetime.strptime(asked[1], "%d-%b-%Y").replace(tzinfo=UTC).date()
            return [one for one in letters if _day(one) >= day]
        first = int(asked[1].split(":")[0])
        # The last letter belongs to n:* even when its number is below n.
        return [one for one in letters if one.uid >= first] or letters[-1:]

    def _fetch(self, asked: str, rest: str) -> list[bytes]:
        wanted = set(map(int, asked.split(",")))
        told = []
        for n, letter in enumerate(self._box.letters, 1):
            if letter.uid not in wanted:
                continue
            if part := _PARTIAL.search(rest):
                first, most = int(part[1] or 0), int(part[2] or len(letter.raw))
                raw = letter.raw[first : first + most]
                mark = "<0>" if part[1] else ""
                self._box.read.append(letter.uid)
                told.append(f"* {n} FETCH (UID {letter.uid} BODY[]{mark} {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
            else:
                told.append(f"* {n} FETCH (UID {letter.uid} RFC822.SIZE {len(letter.raw)})\r\n".encode())
        return told


def _day(letter: Written) -> date:
    return letter.at.astimezone(UTC).date()
