"""The print on a label, read by a neural network on this machine (AFT-4). Optional: `make setup-ocr` brings it.

Owns how that library is loaded: one thread, no log lines, no telemetry, no network; its models come in its package.
"""

import os
from functools import cache
from importlib.util import find_spec
from typing import Any

from PIL import Image

from connectors.files.label import PrintReader
from domain.labels import Source, Text

NEEDED = ("rapidocr", "onnxruntime")
NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}
"""onnxruntime tells its maker what it does unless this stands in the environment before it is first imported."""
SETTINGS = {
    "Global.log_level": "error",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
LEAST_SCORE = 0.5


def print_reader() -> PrintReader | None:
    """Give what reads print, loaded when it is first needed (a second, 300 MB); None where it is not installed."""
    return None if any(find_spec(name) is None for name in NEEDED) else _read


def _read(picture: Image.Image) -> list[Text]:
    import numpy

    blue_first = numpy.asarray(picture.convert("RGB"))[:, :, ::-1]
    told = _engine()(blue_first)
    lines = zip(told.txts or (), told.scores or (), strict=True)
    return [Text(words, Source.OCR, float(score)) for words, score in lines if score >= LEAST_SCORE]


@cache
def _engine() -> Any:
    os.environ.update(NO_TELEMETRY)  # noqa: TID251  (a word to a library that can be told in no other way)
    from rapidocr import RapidOCR

    return RapidOCR(params=SETTINGS)
