"""Pod packets and info records, read and written by the C codec the pods themselves run.

The layout is documented in native/include/pod_wire.h.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stridehub.errors import PacketError
from stridehub.kernel._native import ffi, lib
from stridehub.model import Placement, PodInfo

Bytes: TypeAlias = bytes | bytearray | memoryview

VERSION: int = lib.POD_WIRE_VERSION  # of the protocol
MAX_SAMPLES: int = lib.POD_WIRE_MAX_SAMPLES
MAX_BYTES: int = lib.POD_WIRE_MAX_BYTES
INFO_BYTES: int = lib.POD_WIRE_INFO_BYTES
HEADER_BYTES: int = lib.POD_WIRE_HEADER_BYTES
SAMPLE_BYTES: int = lib.POD_WIRE_SAMPLE_BYTES


class PacketFlag(IntFlag):
    """What happened to the pod during, or before, a packet."""

    NONE = 0
    FIFO_OVERFLOW = lib.POD_WIRE_FLAG_FIFO_OVERFLOW
    CLIPPED = lib.POD_WIRE_FLAG_CLIPPED
    MOTOR = lib.POD_WIRE_FLAG_MOTOR


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Some consecutive samples of one pod.

    `samples` has shape (n, 6), int16, 1 <= n <= MAX_SAMPLES: accelerometer x, y, z and
    gyroscope x, y, z in the LSB of the pod's PodInfo.
    """

    placement: Placement
    sequence: int  # 0..65535, wraps
    pod_clock_us: int  # pod's crystal at the first sample, 0..2**32 - 1 microseconds, wraps
    samples: NDArray[np.int16]
    flags: PacketFlag = PacketFlag.NONE
    dropped: int = 0  # packets the pod has dropped since it started streaming, saturates at 65535


def decode(data: Bytes) -> Packet:
    """Raises PacketError for anything that is not exactly one valid samples packet."""
    packet = ffi.new("pod_wire_packet *")
    _check(lib.pod_wire_decode(ffi.from_buffer(data), len(data), packet), data)
    raw = ffi.buffer(packet.samples)[: packet.count * SAMPLE_BYTES]
    return Packet(
        placement=Placement(packet.placement),
        sequence=packet.sequence,
        pod_clock_us=packet.pod_clock_us,
        samples=np.frombuffer(raw, dtype=np.int16).reshape(-1, 6),
        flags=PacketFlag(packet.flags),
        dropped=packet.dropped,
    )


def encode(packet: Packet) -> bytes:
    """The packet as a pod sends it.

    Raises PacketError where the codec refuses a field, OverflowError where a counter does not
    fit its width, ValueError where `samples` is not an int16 array of shape (n, 6).
    """
    samples = packet.samples
    if samples.ndim != 2 or samples.shape[1] != 6 or samples.dtype != np.int16:
        raise ValueError(f"samples: want int16 (n, 6), got {samples.dtype} {samples.shape}")
    count = len(samples)
    if count > MAX_SAMPLES:  # more than the C struct holds
        _check(lib.POD_WIRE_BAD_COUNT, packet)
    native = ffi.new("pod_wire_packet *")
    native.placement = packet.placement
    native.sequence = packet.sequence
    native.pod_clock_us = packet.pod_clock_us
    native.count = count
    native.flags = packet.flags
    native.dropped = packet.dropped
    ffi.memmove(native.samples, np.ascontiguousarray(samples), samples.nbytes)
    data = ffi.new("uint8_t[]", MAX_BYTES)
    length = ffi.new("size_t *")
    _check(lib.pod_wire_encode(native, data, MAX_BYTES, length), packet)
    return bytes(ffi.buffer(data, length[0]))


def decode_info(data: Bytes) -> PodInfo:
    """Raises PacketError for anything that is not exactly one valid info record."""
    info = ffi.new("pod_wire_info *")
    _check(lib.pod_wire_decode_info(ffi.from_buffer(data), len(data), info), data)
    return PodInfo(
        placement=Placement(info.placement),
        rate_mhz=info.rate_mhz,
        acc_nm_s2_per_lsb=info.acc_nm_s2_per_lsb,
        gyr_nrad_s_per_lsb=info.gyr_nrad_s_per_lsb,
        batch=info.batch,
        firmware=info.firmware,
    )


def encode_info(info: PodInfo) -> bytes:
    """Raises PacketError where a value is out of range, OverflowError where it does not fit."""
    native = ffi.new("pod_wire_info *")
    native.placement = info.placement
    native.rate_mhz = info.rate_mhz
    native.acc_nm_s2_per_lsb = info.acc_nm_s2_per_lsb
    native.gyr_nrad_s_per_lsb = info.gyr_nrad_s_per_lsb
    native.batch = info.batch
    native.firmware = info.firmware
    data = ffi.new("uint8_t[]", INFO_BYTES)
    length = ffi.new("size_t *")
    _check(lib.pod_wire_encode_info(native, data, INFO_BYTES, length), info)
    return bytes(ffi.buffer(data, length[0]))


def _check(result: int, value: object) -> None:
    if result != lib.POD_WIRE_OK:
        reason: str = ffi.string(lib.pod_wire_result_name(result)).decode()
        raise PacketError(reason, value)
