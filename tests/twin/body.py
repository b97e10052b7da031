"""A runner's pods as one body, and the leg as a chain of two links."""

import math
from dataclasses import dataclass

import numpy as np

from twin.track import Track
from twin.vectors import Floats

THIGH_OF_HEIGHT, SHANK_OF_HEIGHT = 0.245, 0.246  # Winter 2009, table 4.1
LEG_OF_HEIGHT = THIGH_OF_HEIGHT + SHANK_OF_HEIGHT
ANKLE_ROLL_OF_HEIGHT = 0.06  # forward roll of the ankle per radian of shank rotation


@dataclass(frozen=True)
class Profile:
    """NaN: not known."""

    height_m: float = math.nan
    leg_length_m: tuple[float, float] = (math.nan, math.nan)  # left, right
    standing_thigh_deg: float = -6.0
    standing_shank_deg: float = -6.0
    speed_factor: float = 1.0


class Body:
    def __init__(self, profile: Profile, tracks: dict[str, Track]) -> None:
        """`tracks` by the pods' labels."""
        self.tracks = tracks
        self.profile = profile
        left, right = profile.leg_length_m
        by_height = LEG_OF_HEIGHT * profile.height_m
        legs = _first_known(left, right, by_height), _first_known(right, left, by_height)
        self.thigh_m = [THIGH_OF_HEIGHT / LEG_OF_HEIGHT * leg for leg in legs]
        self.shank_m = [SHANK_OF_HEIGHT / LEG_OF_HEIGHT * leg for leg in legs]
        height_m = _first_known(profile.height_m, legs[0] / LEG_OF_HEIGHT)
        self.ankle_roll_m = ANKLE_ROLL_OF_HEIGHT * height_m

    def thigh(self, side: int) -> Track | None:
        return self.tracks.get(f"thigh_{'lr'[side]}")

    def shank(self, side: int) -> Track | None:
        return self.tracks.get(f"shank_{'lr'[side]}")

    def foot(self, side: int) -> Track | None:
        return self.tracks.get(f"foot_{'lr'[side]}")

    def pelvis(self) -> Track | None:
        return self.tracks.get("pelvis")


def ankle(thigh_deg: Floats, shank_deg: Floats) -> tuple[Floats, Floats]:
    """From the hip, in leg lengths: forward, and down."""
    thigh, shank = np.radians(thigh_deg), np.radians(shank_deg)
    forward = THIGH_OF_HEIGHT * np.sin(thigh) + SHANK_OF_HEIGHT * np.sin(shank)
    down = THIGH_OF_HEIGHT * np.cos(thigh) + SHANK_OF_HEIGHT * np.cos(shank)
    return forward / LEG_OF_HEIGHT, down / LEG_OF_HEIGHT


def _first_known(*values: float) -> float:
    return next((value for value in values if not math.isnan(value)), math.nan)
