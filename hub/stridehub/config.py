"""Settings from files: so far the profile of a runner, in TOML."""

import math
from pathlib import Path
from typing import Annotated

import msgspec

from stridehub.errors import ConfigError
from stridehub.model import RunnerProfile

MAX_PROFILE_BYTES = 65536  # a profile is a dozen lines

# Becomes part of file names and topics.
RunnerId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
# What the kernel takes, native/src/stride_kernel.c: generous for a child as for a giant.
HeightM = Annotated[float, msgspec.Meta(ge=0.8, le=2.6)]
MassKg = Annotated[float, msgspec.Meta(ge=15.0, le=300.0)]
LegLengthM = Annotated[float, msgspec.Meta(ge=0.3, le=1.5)]
StandingDeg = Annotated[float, msgspec.Meta(ge=-45.0, le=45.0)]
SpeedFactor = Annotated[float, msgspec.Meta(ge=0.5, le=2.0)]


class ProfileSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source knows of a runner. None: it does not say."""

    runner: RunnerId | None = None
    height_m: HeightM | None = None
    mass_kg: MassKg | None = None
    leg_length_left_m: LegLengthM | None = None
    leg_length_right_m: LegLengthM | None = None
    standing_thigh_deg: StandingDeg | None = None
    standing_shank_deg: StandingDeg | None = None
    speed_factor: SpeedFactor | None = None

    def __post_init__(self) -> None:
        for name, value in msgspec.structs.asdict(self).items():
            if isinstance(value, float) and math.isnan(value):
                raise ValueError(f"{name} is not a number")


def load_profile(path: Path) -> ProfileSettings:
    """The profile in a TOML file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PROFILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(path, error.strerror or str(error)) from error
    if len(content) > MAX_PROFILE_BYTES:
        raise ConfigError(path, f"a profile has at most {MAX_PROFILE_BYTES} bytes")
    try:
        return msgspec.toml.decode(content, type=ProfileSettings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(path, str(error)) from error


def runner_profile(*settings: ProfileSettings) -> RunnerProfile:
    """The defaults, overruled by the first settings, and so on to the last."""
    known = {
        name: value
        for layer in settings
        for name, value in msgspec.structs.asdict(layer).items()
        if value is not None
    }
    return RunnerProfile(**known)
