"""Does the kernel of this machine measure? Asked as a hub starts; takes a few milliseconds."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stridehub.errors import KernelError, PacketError, PodRefusedError
from stridehub.kernel import wire
from stridehub.kernel.stride import StrideKernel
from stridehub.model import Placement, PodInfo, Side, Stride

_STRIDE_S = 0.7
_STANDS_S = 1.5
_LASTS_S = 6.0
_TOLERANCE_MS = 5.0  # processors round in their own ways; what is measured is off by 0.1
_LEAST_STRIDES = 2  # of each side: the first two or three tell the kernel where the axes are

_RATE_HZ = 208
_BATCH = 19
_INFO = PodInfo(
    Placement.SHANK_L,
    rate_mhz=_RATE_HZ * 1000,
    acc_nm_s2_per_lsb=4_788_000,
    gyr_nrad_s_per_lsb=1_065_000,
    batch=_BATCH,
)
_LEGS = {Placement.SHANK_L: 0.0, Placement.SHANK_R: 0.5}  # at which share of a stride it begins
_STANDARD_GRAVITY_MPS2 = 9.80665

# A pod that lies flat and still, as tests/vectors have it.
_AT_REST = wire.Packet(Placement.PELVIS, 0, 0, np.array([[0, 0, 2049, 0, 0, 0]], np.int16))
_AT_REST_BYTES = bytes.fromhex("110100000000000001000000000000000108000000000000")


def self_test() -> None:
    """Raises KernelError."""
    try:
        _check()
    except (PacketError, PodRefusedError, OverflowError) as error:
        raise KernelError(str(error)) from error


def _check() -> None:
    if wire.encode(_AT_REST) != _AT_REST_BYTES:
        raise KernelError("a packet is not written as pods write it")
    kernel = StrideKernel()
    strides = _run(kernel)
    kernel.push(0, _AT_REST_BYTES[:-1], _LASTS_S)
    if kernel.refused != {"too short": 1}:
        raise KernelError(f"of all packets one is too short, and refused are {kernel.refused}")
    for side in Side:
        times_ms = [stride.stride_time_ms for stride in strides if stride.side is side]
        if len(times_ms) < _LEAST_STRIDES or not all(map(_is_right, times_ms)):
            raise KernelError(
                f"{side} strides of {_STRIDE_S * 1e3:g} ms are measured as {times_ms}"
            )


def _is_right(stride_time_ms: float | None) -> bool:
    return stride_time_ms is not None and abs(stride_time_ms - _STRIDE_S * 1e3) <= _TOLERANCE_MS


def _run(kernel: StrideKernel) -> list[Stride]:
    """Two shanks stand, then run."""
    pods = [kernel.add_pod(replace(_INFO, placement=placement)) for placement in _LEGS]
    felt = {placement: _felt(phase) for placement, phase in _LEGS.items()}
    found: list[Stride] = []
    for number in range(int(_LASTS_S * _RATE_HZ) // _BATCH):
        first = number * _BATCH
        for pod, (placement, samples) in zip(pods, felt.items(), strict=True):
            packet = wire.Packet(
                placement,
                sequence=number,
                pod_clock_us=round(first / _RATE_HZ * 1e6),
                samples=samples[first : first + _BATCH],
            )
            arrival_s = (first + _BATCH) / _RATE_HZ
            found += kernel.push(pod, wire.encode(packet), arrival_s).strides
    return found + kernel.finish().strides


def _felt(phase: float) -> NDArray[np.int16]:
    """(n, 6) LSB, of a pod with z along the shank, up, and y to the left.

    The shank swings as two sines, and feels gravity, the foot's push and its landing.
    """
    time_s = np.arange(int(_LASTS_S * _RATE_HZ)) / _RATE_HZ
    effort = np.clip((time_s - _STANDS_S) / 0.2, 0.0, 1.0)
    strides = time_s / _STRIDE_S + phase
    turn = 2.0 * math.pi * strides
    angle = np.radians(effort * (45.0 * np.sin(turn) + 12.0 * np.sin(2.0 * turn + 0.8) - 25.0))
    landing = np.exp(-((((strides + 0.62) % 1.0 - 0.05) / 0.015) ** 2))
    up = _STANDARD_GRAVITY_MPS2 + effort * (9.0 * np.sin(2.0 * turn) + 60.0 * landing)
    forward = effort * 8.0 * np.cos(turn)
    nothing = np.zeros_like(time_s)
    acc_mps2 = [
        forward * np.cos(angle) - up * np.sin(angle),
        nothing,
        forward * np.sin(angle) + up * np.cos(angle),
    ]
    gyr_rad_s = [nothing, np.gradient(angle, 1.0 / _RATE_HZ), nothing]
    lsb = np.stack(
        [*(np.array(acc_mps2) / (_INFO.acc_nm_s2_per_lsb * 1e-9)),
         *(np.array(gyr_rad_s) / (_INFO.gyr_nrad_s_per_lsb * 1e-9))], axis=1
    )  # fmt: skip
    felt: NDArray[np.int16] = np.clip(np.rint(lsb), -32768, 32767).astype(np.int16)
    return felt
