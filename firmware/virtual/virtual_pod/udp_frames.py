"""How many pods and their hubs talk over UDP: one frame a datagram, little-endian.

    offset size field
    0      2    pod, counted from 0
    2      1    attribute (kernel.link.Attribute), 0 where the kind has none
    3      1    kind
    4      2    tag: a hub's choice, sent back with the answer; 0 in what a hub did not ask for
    6      8    true time in us since the pods began, as the pods send it; a hub sends 0
    14     n    payload

From hub to pods, each answered by ANSWER unless said otherwise:
    CONNECT     the link counts as encrypted with a bonded key, and has an MTU of 247
    DISCONNECT
    SUBSCRIBE   samples, time or status; payload: one byte, 1 on, 0 off
    READ        info, config or status
    WRITE       control, haptic, config or time; payload: the record
    ECHO        pod 0; the answer to STEP, with its tag; not answered

From pods to hub:
    ANSWER      payload: one byte kernel.link.LinkResult; of a READ that is OK, then the record
    NOTIFY      payload: a samples packet, a time reply or a status record
    GONE        the pod has disconnected
    STEP        pod 0, about once a second, more often while much is on its way: the hub echoes it,
                or has its pods no longer; at full speed time goes on when it has

A pod belongs to the address that connected it, until it disconnects: another one that tries is
answered BUSY, and anything else it asks for NOT_ENCRYPTED. A pod that does not advertise answers a
CONNECT with BUSY too. What is no frame, no request, or makes no sense for its attribute, is not
answered.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from stridehub.kernel.link import Attribute

_HEADER = struct.Struct("<HBBHQ")


class Kind(IntEnum):
    CONNECT = 1
    DISCONNECT = 2
    SUBSCRIBE = 3
    READ = 4
    WRITE = 5
    ECHO = 6
    ANSWER = 0x81
    NOTIFY = 0x82
    GONE = 0x83
    STEP = 0x84


REQUESTS = frozenset({Kind.CONNECT, Kind.DISCONNECT, Kind.SUBSCRIBE, Kind.READ, Kind.WRITE})


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    pod: int = 0
    attribute: Attribute | None = None
    tag: int = 0
    time_us: int = 0
    payload: bytes = b""


def encode_frame(frame: Frame) -> bytes:
    """Raises struct.error where a number does not fit its field."""
    numbers = (frame.pod, frame.attribute or 0, frame.kind, frame.tag, frame.time_us)
    return _HEADER.pack(*numbers) + frame.payload


def decode_frame(data: bytes) -> Frame | None:
    """None for what is no frame."""
    if len(data) < _HEADER.size:
        return None
    pod, attribute, kind, tag, time_us = _HEADER.unpack_from(data)
    try:
        known = Attribute(attribute) if attribute else None
        return Frame(Kind(kind), pod, known, tag, time_us, data[_HEADER.size :])
    except ValueError:
        return None
