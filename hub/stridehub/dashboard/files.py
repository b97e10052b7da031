"""The files of the page, all in memory: what is not among them cannot be asked for."""

import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

# As browsers want them with nosniff; other kinds of files are not handed out.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".md": "text/plain; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
}
INDEX = "/index.html"


class PageFile(NamedTuple):
    content: bytes
    kind: str  # Content-Type
    etag: str  # without its quotes


def page_files() -> dict[str, PageFile]:
    """By path, such as "/js/main.js"."""
    return dict(_below(resources.files("stridehub.dashboard") / "page", ""))


def page_file(content: bytes, kind: str) -> PageFile:
    return PageFile(content, kind, hashlib.sha256(content).hexdigest()[:32])


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, PageFile]]:
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _below(entry, name)
        elif kind := _TYPES.get(f".{entry.name.rpartition('.')[2]}"):
            yield name, page_file(entry.read_bytes(), kind)
