"""Recordings as .npz files: read as the untrusted input they are.

The keys are described in README.md, "Replaying your own data".
"""

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from stridehub.config import ProfileSettings
from stridehub.errors import RecordingError, UnknownPlacementError
from stridehub.model import Placement

Floats: TypeAlias = NDArray[np.floating[Any]]

MIN_RATE_HZ, MAX_RATE_HZ = 52.0, 833.0  # what common IMUs offer between too coarse and too much
MIN_DURATION_S = 2.0  # less holds no two strides
MAX_SAMPLES_BYTES = 1 << 30  # of acc or gyr: over three hours of eight pods at 208 Hz, float64
MAX_LABELS_BYTES = 4096
HOLE_PERIODS = 2.5  # a longer step in time is a hole; time stamps may be rounded to 1 ms
MAX_SPAN_S = 1e6
RATE_TOLERANCE = 0.05  # IMUs run off their nominal rate by some percent

# Mean magnitudes of specific force that only another unit explains: 9.81 standing, on the mean no
# less in motion, and 130 on a sprinting foot.
MIN_MEAN_ACC_MPS2, MAX_MEAN_ACC_MPS2 = 5.0, 250.0
MAX_USUAL_GYR_RAD_S = 40.0  # 2300 deg/s: no limb turns as fast for 1 % of the time
# What the packet can carry: 64 g, 8000 deg/s; more than any IMU worn on a limb measures.
MAX_ACC_MPS2, MAX_GYR_RAD_S = 627.0, 139.0

_BODY_KEYS = {
    "mass": "mass_kg",
    "height": "height_m",
    "leg_length_l": "leg_length_left_m",
    "leg_length_r": "leg_length_right_m",
}
# Everything the libraries below are known to raise on files that are broken or built to harm.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    SyntaxError,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Samples of P pods of one runner at N common times."""

    rate_hz: float  # nominal
    time_s: NDArray[np.float64]  # (N,), since the first sample, increasing
    placements: tuple[Placement, ...]  # P, each different
    acc_mps2: Floats  # (P, N, 3), specific force in each sensor's own frame
    gyr_rad_s: Floats  # (P, N, 3)
    body: ProfileSettings
    stand_end_s: float | None  # quiet standing until then

    @property
    def duration_s(self) -> float:
        return float(self.time_s[-1])


def load_recording(path: Path) -> Recording:
    """Reads and checks the .npz file; raises RecordingError with the first defect found."""
    with _explained(path), zipfile.ZipFile(path) as archive:
        return _Reader(path, archive).recording()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordingError(path, error.strerror or str(error)) from error
    except MemoryError as error:
        raise RecordingError(path, "does not fit into memory") from error
    except zipfile.BadZipFile as error:
        raise RecordingError(path, f"not an .npz file, or broken: {_brief(error)}") from error
    except _BROKEN as error:
        raise RecordingError(path, f"broken: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    """Some libraries tell long stories, with what they found in the file."""
    return " ".join(str(error).split())[:160]


class _Reader:
    """Each method reads, or checks, one part."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._names = frozenset(archive.namelist())

    def recording(self) -> Recording:
        rate_hz = self._rate()
        placements = self._placements()
        t = self._time(rate_hz)
        shape = (len(placements), len(t), 3)
        acc, gyr = self._samples("acc", shape), self._samples("gyr", shape)
        self._check_units(acc, gyr)
        stand_end = self._scalar("stand_end")
        if stand_end is not None and not t[0] <= stand_end <= t[-1]:
            raise self._fault(f"stand_end is {stand_end:g} s, and t {t[0]:g}..{t[-1]:g} s")
        return Recording(
            rate_hz=rate_hz,
            time_s=t - t[0],
            placements=placements,
            acc_mps2=acc,
            gyr_rad_s=gyr,
            body=self._body(),
            stand_end_s=None if stand_end is None else stand_end - float(t[0]),
        )

    def _rate(self) -> float:
        rate_hz = self._scalar("fs")
        if rate_hz is None:
            raise self._fault("fs is missing")
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise self._fault(f"fs is {rate_hz:g} Hz, outside {MIN_RATE_HZ:g}..{MAX_RATE_HZ:g} Hz")
        return rate_hz

    def _placements(self) -> tuple[Placement, ...]:
        labels = self._array("pods", "U", 1)
        if len(labels) == 0:
            raise self._fault("pods names no pod")
        try:
            placements = tuple(Placement.from_label(str(label)) for label in labels[:9])
        except UnknownPlacementError as error:
            known = ", ".join(placement.label for placement in Placement)
            raise self._fault(f"pods: {error}; known are {known}") from error
        if len(set(placements)) < len(labels):
            raise self._fault("pods names a placement twice")
        return placements

    def _time(self, rate_hz: float) -> NDArray[np.float64]:
        t: NDArray[np.float64] = self._array("t", "f", 1).astype(np.float64)
        if len(t) < MIN_DURATION_S * rate_hz:
            raise self._fault(f"{len(t)} samples are less than {MIN_DURATION_S:g} s")
        if not np.isfinite(t).all():
            raise self._fault("t holds NaN or infinity")
        steps = np.diff(t)
        if not (steps > 0).all():
            late = int(np.argmax(steps <= 0)) + 1
            raise self._fault(f"t does not increase at sample {late}")
        if t[-1] - t[0] > MAX_SPAN_S:
            raise self._fault(f"t spans {t[-1] - t[0]:.3g} s")
        usual = steps[steps < HOLE_PERIODS / rate_hz]
        measured_hz = 1 / float(usual.mean() if len(usual) else np.median(steps))
        if abs(measured_hz / rate_hz - 1) > RATE_TOLERANCE:
            raise self._fault(f"t runs at {measured_hz:.4g} Hz, but fs is {rate_hz:g} Hz")
        return t

    def _samples(self, key: str, shape: tuple[int, ...]) -> Floats:
        values = self._array(key, "f", 3)
        if values.shape != shape:
            raise self._fault(f"{key} has shape {values.shape}, but pods and t ask for {shape}")
        if not np.isfinite(values).all():
            pod, sample, _ = np.argwhere(~np.isfinite(values))[0]
            raise self._fault(f"{key} holds NaN or infinity (pod {pod}, sample {sample})")
        return values

    def _check_units(self, acc: Floats, gyr: Floats) -> None:
        for pod in range(len(acc)):
            mean = float(np.linalg.norm(acc[pod], axis=1).mean())
            if mean == 0:
                raise self._fault(f"acc of pod {pod} is all zero: a dead pod; leave it out")
            if not MIN_MEAN_ACC_MPS2 <= mean <= MAX_MEAN_ACC_MPS2:
                unit = "g" if 0.3 < mean < MIN_MEAN_ACC_MPS2 else "another unit"
                raise self._fault(
                    f"acc of pod {pod} has a mean magnitude of {mean:.3g}: probably in {unit},"
                    " where m/s^2 with gravity are wanted"
                )
            if np.quantile(np.abs(gyr[pod]).max(axis=1), 0.99) > MAX_USUAL_GYR_RAD_S:
                raise self._fault(f"gyr of pod {pod} is probably in deg/s, where rad/s are wanted")
        for key, values, most in (("acc", acc, MAX_ACC_MPS2), ("gyr", gyr, MAX_GYR_RAD_S)):
            peak = float(max(values.max(), -values.min()))
            if peak > most:
                raise self._fault(f"{key} reaches {peak:.3g}, beyond any sensor ({most:g})")

    def _body(self) -> ProfileSettings:
        known = {field: self._scalar(key) for key, field in _BODY_KEYS.items()}
        try:
            return msgspec.convert(known, ProfileSettings)
        except msgspec.ValidationError as error:
            raise self._fault(str(error)) from error

    def _scalar(self, key: str) -> float | None:
        """None where the key is absent or its value NaN: not known."""
        if f"{key}.npy" not in self._names:
            return None
        value = float(self._array(key, "fiu", 0))
        if np.isinf(value):
            raise self._fault(f"{key} is infinite")
        return None if np.isnan(value) else value

    def _array(self, key: str, kinds: str, dimensions: int) -> NDArray[Any]:
        """Of one of the dtype kinds; nothing is allocated before its header has been checked."""
        name = f"{key}.npy"
        if name not in self._names:
            raise self._fault(f"{key} is missing")
        with self._archive.open(name) as file:
            shape, dtype = _header(file)
        odd = dtype.kind == "f" and dtype.itemsize not in (4, 8)
        if dtype.kind not in kinds or odd or len(shape) != dimensions:
            wanted = _wanted(kinds, dimensions)
            raise self._fault(f"{key} is {dtype} {shape}, where {wanted} belongs")
        most = MAX_LABELS_BYTES if kinds == "U" else MAX_SAMPLES_BYTES
        if prod(shape) * dtype.itemsize > most:
            raise self._fault(f"{key} {shape} is larger than in any recording")
        with self._archive.open(name) as file:
            values: NDArray[Any] = npy.read_array(file, allow_pickle=False)
        return values

    def _fault(self, reason: str) -> RecordingError:
        return RecordingError(self._path, reason)


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype; raises ValueError for anything that is no plain array."""
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"array format {version}")
    shape, _, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError("pickled objects are not read")
    return shape, dtype


def _wanted(kinds: str, dimensions: int) -> str:
    what = "text" if kinds == "U" else "float32 or float64" if kinds == "f" else "a number"
    return f"{what} of {dimensions} dimensions" if dimensions else what
