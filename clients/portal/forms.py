"""Reading what a browser sends, never more than a page needs: fields, photos, and the proof that a form is our own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from domain.errors import BadInput

SMALL_BYTES = 16 * 1024
FORM_BYTES = 64 * 1024
"""What a form needs beside its photos."""
MOST_FIELDS = 300


class TooLarge(BadInput):
    """More was sent than the page may take."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came: its fields, and the files that are not empty."""

    fields: dict[str, str]
    files: tuple[bytes, ...] = field(default=(), repr=False)

    def get(self, name: str) -> str:
        """Give a field without blanks around it; empty when it is not there."""
        return self.fields.get(name, "").strip()


async def small_form(request: Request) -> Sent:
    """Read a form without files."""
    return await form_with_photos(request, 0, 0)


async def form_with_photos(request: Request, most_files: int, most_bytes: int) -> Sent:
    """Read a form with up to so many files of so many bytes each; TooLarge stops reading at once."""
    limit = FORM_BYTES + most_files * (most_bytes + 1024) if most_files else SMALL_BYTES
    limited = Request(request.scope, _limited(request, limit))
    try:
        # One file more than allowed is read, so that the page can say how many there may be.
        async with limited.form(max_files=most_files + 1, max_fields=MOST_FIELDS, max_part_size=FORM_BYTES) as form:
            return Sent(_fields(form), await _files(form.getlist("photo"), most_bytes))
    except (HTTPException, UnicodeDecodeError):
        raise BadInput("the form is not whole") from None


def _fields(form: FormData) -> dict[str, str]:
    # PostgreSQL takes no NUL, and no person types one.
    return {name: value.replace("\0", "") for name, value in form.multi_items() if isinstance(value, str)}


async def _files(found: Sequence[UploadFile | str], most_bytes: int) -> tuple[bytes, ...]:
    """Read files up to a byte beyond the limit: the photo's own check says that it is too large."""
    bodies = [await one.read(most_bytes + 1) for one in found if isinstance(one, UploadFile)]
    return tuple(body for body in bodies if body)  # a browser sends an empty file where none was chosen


def _limited(request: Request, most: int) -> Receive:
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most:
        raise TooLarge("too large")
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise TooLarge("too large")
        return message

    return receive
