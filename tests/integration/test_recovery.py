"""What once stopped the strides for good, or was trusted though it was wrong."""

from dataclasses import replace

import numpy as np
import pytest

from stridehub.model import Placement
from stridehub.sim.knobs import Segment
from support import SHANKS, Synthetic, strides_of, synthetic, worn

STAND = Segment("stand", 6.0)


def found(runner: Synthetic, from_s: float) -> float:
    """Share of the true contacts after from_s that begin a stride; the last few cannot."""
    strides = strides_of(runner.recording)
    true = [t for times in runner.contacts.values() for t in times if t > from_s]
    true = [t for t in true if t < runner.recording.duration_s - 3.0]
    starts = np.array([stride.ic for stride in strides])
    return float(np.mean([np.abs(starts - t).min() < 0.15 for t in true]))


def test_running_goes_on_after_lying_down() -> None:
    run, lie = Segment("run", 10.0, 3.0), Segment("lie", 8.0)
    runner = synthetic(STAND, run, lie, Segment("run", 25.0, 3.0))
    assert found(runner, from_s=34.0) > 0.95


@pytest.mark.parametrize("speed_mps", [0.8, 1.2])
def test_a_walker_is_not_measured_by_his_sprint(speed_mps: float) -> None:
    runner = synthetic(
        STAND, Segment("run", 12.0, 6.0), STAND, Segment("walk", 25.0, speed_mps), seed=2
    )
    assert found(runner, from_s=34.0) > 0.85


def test_shaken_pods_recover() -> None:
    runner = synthetic(STAND, Segment("run", 40.0, 2.5))
    recording = runner.recording
    gyr = recording.gyr_rad_s.copy()
    shaken = (recording.time_s > 12.0) & (recording.time_s < 15.0)
    gyr[:, shaken, 2] = 30.0 * np.sin(2 * np.pi * 4.0 * recording.time_s[shaken])
    runner = replace(runner, recording=replace(recording, gyr_rad_s=gyr))
    assert found(runner, from_s=28.0) > 0.95


def test_no_stride_is_invented_before_the_swing_is_known() -> None:
    for seed in range(1, 7):
        runner = synthetic(Segment("run", 14.0, 3.0), seed=seed)
        contacts = np.concatenate(list(runner.contacts.values()))
        for stride in strides_of(runner.recording):
            assert np.abs(contacts - stride.ic).min() < 0.15, (seed, stride)


def test_one_foot_says_why_there_is_no_flight() -> None:
    runner = synthetic(STAND, Segment("run", 10.0, 3.0), pods=[*SHANKS, Placement.PELVIS])
    one = worn(runner.recording, [Placement.SHANK_R, Placement.PELVIS])
    strides = strides_of(one)
    assert len(strides) >= 8
    for stride in strides:
        assert stride.flight_time_ms is None
        assert "no_other_foot" in stride.quality


def test_a_smaller_sensors_clipping_shows() -> None:
    runner = synthetic(STAND, Segment("run", 10.0, 3.5), pods=SHANKS)
    end_mps2 = 4 * 9.80665
    clipped = replace(
        runner.recording, acc_mps2=np.clip(runner.recording.acc_mps2, -end_mps2, end_mps2)
    )
    assert all("clipped" not in stride.quality for stride in strides_of(runner.recording))
    assert all("clipped" in stride.quality for stride in strides_of(clipped)[2:])
