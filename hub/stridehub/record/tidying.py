"""Retention where no hub runs."""

from pathlib import Path

from stridehub.config import RecordConfig
from stridehub.errors import StoreError
from stridehub.record.ballast import Ballast
from stridehub.record.health import FILE_ERRORS
from stridehub.record.session_file import SessionFile
from stridehub.record.store import MOST_LETTERS


def tidy_sessions(path: Path, limits: RecordConfig) -> int:
    """Deletes what is too old or too much, oldest first; how many went. Raises StoreError."""
    if not path.exists():
        return 0
    try:
        file = SessionFile(path, limits, MOST_LETTERS, Ballast(path), cut=set())
        try:
            return file.retention.settle()
        finally:
            file.close()
    except FILE_ERRORS as error:
        raise StoreError(path, str(error)) from error
