"""A synthetic runner as a recording, in the keys of an .npz import."""

import math
from typing import Any

import msgspec
import numpy as np

from stridehub.sim.anatomy import SIDES, STANDING_SHANK, STANDING_THIGH
from stridehub.sim.runner import Chunk, SyntheticRunner
from stridehub.sim.script import State
from stridehub.sim.tracks import Array
from stridehub.sim.truth import TrueStride

_STRIDE_KEYS = {
    "stride_t_ic": "ic",
    "stride_t_to": "to",
    "stride_t_ic_next": "next_ic",
    "stride_shank_ang_ic": "shank_angle_ic_deg",
    "stride_knee_flex_ic": "knee_flexion_ic_deg",
    "stride_max_knee_flex_swing": "peak_knee_flexion_deg",
    "stride_max_thigh_flex": "knee_lift_deg",
    "stride_ankle_ahead_hip_ic_frac": "overstride_ratio",
    "stride_lean_pelvis_rel_mean": "lean_deg",
    "stride_foot_ang_ic": "foot_strike_angle_deg",
    "stride_cadence_spm": "cadence_spm",
}


def record(runner: SyntheticRunner, duration_s: float) -> dict[str, Any]:
    """`duration_s` of the runner as arrays: the pods' signals, `truth_*` series and events, and
    the true strides (S,) as `stride_<field of TrueStride>` and in the recordings' own keys."""
    chunks: list[Chunk] = []
    while runner.time_s < duration_s:
        chunks.append(runner.next_chunk())
    t = np.concatenate([c.t for c in chunks])
    keep = t < duration_s
    strides = [s for c in chunks for s in c.strides if s.next_ic < duration_s]
    contacts = [c for chunk in chunks for c in chunk.contacts if c.to_s < duration_s]

    def joined(parts: list[Array]) -> Array:
        return np.concatenate(parts)[keep]

    state = np.concatenate([c.state for c in chunks])[keep]
    moving = np.flatnonzero(state != State.STANDING)
    still = runner.knobs.script[0].kind == "stand"
    out: dict[str, Any] = {
        "fs": runner.knobs.rate_hz,
        "t": t[keep],
        "pods": np.array([pod.label for pod in runner.pods]),
        "acc": np.stack([joined([c.acc[pod] for c in chunks]) for pod in runner.pods]),
        "gyr": np.stack([joined([c.gyr[pod] for c in chunks]) for pod in runner.pods]),
        "mass": runner.knobs.mass_kg,
        "height": runner.knobs.height_m,
        "leg_length_l": runner.anatomy.leg,
        "leg_length_r": runner.anatomy.leg,
        "speed": float(np.mean([s.speed_mps for s in strides])) if strides else 0.0,
        "truth_state": state,
        "truth_mount": np.stack([runner.mounts[pod] for pod in runner.pods]),
        "truth_pod_pos": np.stack(
            [joined([c.position[pod] for c in chunks]) for pod in runner.pods]
        ),
        "stride_side": np.array([s.side[0] for s in strides]),
    }
    if still and len(moving):
        out["stand_end"] = float(t[moving[0]])
    steady = np.flatnonzero(state == State.RUNNING)
    if len(steady):
        out["run_start"] = float(t[steady[0]])
    for leg, side in enumerate("lr"):
        own = [c for c in contacts if c.leg == leg]
        out[f"truth_ic_{side}"] = np.array([c.ic_s for c in own])
        out[f"truth_to_{side}"] = np.array([c.to_s for c in own])
    for name in chunks[0].truth:
        out[f"truth_{name}"] = joined([c.truth[name] for c in chunks])
    for key, name in _STRIDE_KEYS.items():
        out[key] = np.array([getattr(s, name) for s in strides])
    for key, name in (("contact", "contact_time_ms"), ("flight", "flight_time_ms")):
        out[f"stride_{key}_time"] = np.array([getattr(s, name) for s in strides]) / 1e3
    out["stride_stride_time"] = np.array([s.stride_time_ms for s in strides]) / 1e3
    for name in set(TrueStride.__struct_fields__) - {"side", "quality"}:
        out[f"stride_{name}"] = np.array([getattr(s, name) for s in strides])
    out["truth_static_json"] = _static_json(runner)
    return out


def _static_json(runner: SyntheticRunner) -> str:
    """Standing angles, as in the recordings."""
    thigh, shank = np.degrees([STANDING_THIGH, STANDING_SHANK]).tolist()
    values = {"ang_pelvis": 0.0, "pelvis_y": runner.anatomy.standing_hip_height()}
    for side in SIDES:
        values |= {f"ang_thigh_{side}": thigh, f"ang_shank_{side}": shank}
        values |= {f"ang_foot_{side}": 0.0, f"knee_flex_{side}": thigh - shank}
        values[f"ankle_x_hip_{side}"] = runner.anatomy.leg * math.sin(STANDING_THIGH)
    return msgspec.json.encode(values).decode()
