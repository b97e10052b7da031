"""Results as files of one JSON object a line."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

STDOUT = Path("-")

Write = Callable[[msgspec.Struct], None]


@contextmanager
def json_lines(path: Path | None) -> Iterator[Write]:
    """A file appears under its name only once it is whole; nothing is written without a path."""
    if path is None:
        yield lambda _: None
    elif path == STDOUT:
        yield _writer(sys.stdout.buffer, flush=True)
    elif path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe or device is no file
        with path.open("wb") as file:
            yield _writer(file, flush=True)
    else:
        whole = path.resolve()
        part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                yield _writer(file, flush=False)
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)


def _writer(file: BinaryIO, *, flush: bool) -> Write:
    encoder = msgspec.json.Encoder()

    def write(item: msgspec.Struct) -> None:
        file.write(encoder.encode(item) + b"\n")
        if flush:
            file.flush()

    return write
