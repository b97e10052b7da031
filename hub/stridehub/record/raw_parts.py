"""The parts of a raw recording, as far as they are whole. All lengths are distrusted."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO, NamedTuple

import msgspec
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Chunk, Message
from mcap.stream_reader import breakup_chunk

from stridehub.errors import PacketError
from stridehub.record.raw_file import COMPRESSION, MAGIC, MOST_CHUNK_BYTES

# Everything that is raised on parts that are broken, or built to harm.
BROKEN = (
    McapError,
    PacketError,
    msgspec.MsgspecError,
    struct.error,
    zstandard.ZstdError,
    LookupError,
    OverflowError,
    RecursionError,
    ValueError,
)

# Of a part, and of a chunk unpacked: with its last message it is longer than was allowed.
_MOST_BYTES = 2 * MOST_CHUNK_BYTES
_MOST_WINDOW_BYTES = 1 << 23  # what every zstd has to bear with
_PREFIX = struct.Struct("<BQ")  # of each part: what it is, and the length of its body


class Part(NamedTuple):
    """One record, as MCAP calls it."""

    opcode: int
    body: bytes
    crc: int  # of everything before it

    @property
    def stream(self) -> ReadDataStream:
        return ReadDataStream(BytesIO(self.body))


def parts(file: BinaryIO) -> Iterator[Part]:
    """Up to the first that is cut off, or can be none, or is the last."""
    crc = zlib.crc32(MAGIC)
    while len(prefix := file.read(_PREFIX.size)) == _PREFIX.size:
        opcode, length = _PREFIX.unpack(prefix)
        if opcode == 0 or length > _MOST_BYTES:
            return
        body = file.read(length)
        if len(body) < length:
            return
        yield Part(opcode, body, crc)
        if opcode == Opcode.FOOTER:
            return
        crc = zlib.crc32(body, zlib.crc32(prefix, crc))


def unpacked(part: Part) -> Chunk | None:
    """A chunk with its content as it was written. None: it is damaged."""
    try:
        chunk = Chunk.read(part.stream)
        data = chunk.data if chunk.compression == "" else _decompressed(chunk)
    except BROKEN:
        return None
    is_sound = len(data) == chunk.uncompressed_size and zlib.crc32(data) == chunk.uncompressed_crc
    if not is_sound or not data:  # of zeros, an empty one would be sound
        return None
    plain: Chunk = replace(chunk, compression="", data=data)
    return plain


def _decompressed(chunk: Chunk) -> bytes:
    """No more than may be, whatever it says of its size. Raises ZstdError, ValueError."""
    if chunk.compression != COMPRESSION:
        raise ValueError(f"compressed by {chunk.compression!r}")
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW_BYTES)
    with unpacker.stream_reader(BytesIO(chunk.data)) as reader:
        return reader.read(_MOST_BYTES)


def messages(chunk: Chunk) -> Iterator[Message]:
    """Of a chunk that is unpacked; may raise what is BROKEN."""
    return (record for record in breakup_chunk(chunk) if isinstance(record, Message))
