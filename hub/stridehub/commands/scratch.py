"""A folder for the time of a run, which leaves nothing behind in the end, whatever that is."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Those of runs that were killed are removed first. Raises OSError."""
    _remove_ownerless(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    with _opened(folder) as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # ends with the process, however that ends
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_ownerless(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError), _opened(folder) as held:  # somebody's else, or in use
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.listdir(held):  # an empty one may be about to be locked by its maker
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield held
    finally:
        os.close(held)
