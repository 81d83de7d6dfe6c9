"""`oms label`: read the label on a photo on this machine; needs no running installation (AFT-4)."""

from pathlib import Path
from typing import Annotated

import typer

from clients.cli.session import out, told
from domain.errors import BadInput
from domain.labels import LabelReading, match, match_words, reading_words, typed_number
from domain.photos import PhotoLimits

NOTHING_READ = 1
label_app = typer.Typer(no_args_is_help=True)


@label_app.callback()
def labels() -> None:
    """Read labels on photos of returned parcels."""


@label_app.command()
def read(
    file: Annotated[Path, typer.Argument(help="a photo: JPEG, PNG or WebP")],
    expected: Annotated[
        list[str] | None, typer.Option(help="a waybill number that is waited for; again for more")
    ] = None,
) -> None:
    """Read the waybill numbers on a photo, the likeliest first, and how sure each is; exit 1 when there is none."""

    async def work() -> tuple[LabelReading, list[str]]:
        wanted = [typed_number(one) for one in expected or []]
        return _read(file), wanted

    reading, wanted = told(work)
    lines = reading_words(reading)
    if wanted:
        lines.append(match_words(match(reading, wanted)))
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(0 if reading.candidates else NOTHING_READ)


def _read(file: Path) -> LabelReading:
    from connectors.files.label import read_label
    from connectors.files.label_print import print_reader

    limits = PhotoLimits()
    try:
        with file.open("rb") as opened:
            raw = opened.read(limits.most_bytes + 1)
        return read_label(raw, print_reader(), limits)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
