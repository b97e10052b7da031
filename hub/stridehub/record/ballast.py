"""Room on the card that is kept free for a disk that is full."""

import os
from contextlib import suppress
from pathlib import Path

# Some ten minutes of 10 runners, or the log of deleting an old session.
BALLAST_BYTES = 16 * 2**20


class Ballast:
    """A file beside the database that is given up when nothing else fits, open or not."""

    def __init__(self, database: Path) -> None:
        self.warning: str | None = None  # once it is given up
        self.folder = database.parent
        self._path = database.with_name(f"{database.name}.ballast")

    def take_on(self) -> None:
        """Does nothing where it is there. Raises OSError."""
        if self._path.exists():
            return
        with self._path.open("wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
            except OSError:
                self._path.unlink()
                raise
        self.warning = None

    def give_up(self) -> bool:
        """True where that made room."""
        with suppress(OSError):
            self._path.unlink()
            self.warning = "the disk is full but for a last reserve: make room"
            return True
        return False
