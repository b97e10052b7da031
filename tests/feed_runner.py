"""A runner who is believable enough for pages: the messages that a hub would tell of one."""

import math
import random
from collections.abc import Mapping
from typing import Any

from feed_cycle import side_cycle
from stridehub.coaching.cue import Response, Withheld
from stridehub.coaching.load import CapSource, LoadUnit
from stridehub.coaching.strike import StrikeClass
from stridehub.coaching.zones import ZONE_METRICS, Position, Zone, zone_at
from stridehub.model import CueKind, CueSide, Gait, Side, Stride
from stridehub.mqtt.messages import (
    AssociationReading,
    BalanceReading,
    CueMessage,
    CueResponseMessage,
    Cycle,
    DriftReading,
    Explain,
    LastCue,
    LoadReading,
    Reading,
    SideCycle,
    StrideMessage,
    Summary,
    ZoneInForce,
    ZoneMessage,
)
from stridehub.rules import ZoneRules

_CAP_UNITS = 1500.0


_OTHERS = {
    "duty_factor": 0.36,
    "knee_flexion_ic_deg": 18.0,
    "heel_lift_ratio": 0.48,
    "swing_lever_ratio": 0.66,
    "hip_extension_deg": 21.0,
    "push_off_angle_deg": 24.0,
    "vertical_oscillation_mm": 82.0,
    "impact_g": 7.4,
    "foot_strike_angle_deg": 5.0,
}
_CUE_METRIC = {
    CueKind.OVERSTRIDE: "overstride_ratio",
    CueKind.HEEL_LIFT: "kickback_deg",
    CueKind.FLICK: "heel_trail_ratio",
    CueKind.SITTING_BACK: "hip_over_foot_ratio",
}


class FeedRunner:
    """Time is passed by the caller, `now_s` of any clock and `t` in UTC milliseconds."""

    def __init__(self, number: int, began_s: float) -> None:
        self.name = f"r{number:02d}"
        self.is_muted = False
        self._chance = random.Random(number)
        self._base_mps = self._chance.uniform(2.6, 4.4)
        self._bias = {metric: self._chance.gauss(0.0, 0.45) for metric in ZONE_METRICS}
        self._lopsided = {metric: self._chance.gauss(0.0, 0.15) for metric in ZONE_METRICS}
        self._began_s = began_s
        self._counts = dict.fromkeys(Side, 0)
        self._strike = self._chance.choice(tuple(StrikeClass))
        self._last_cue: LastCue | None = None

    def speed_mps(self, now_s: float) -> float:
        return self._base_mps + 0.25 * math.sin(now_s / 17.0 + self._base_mps)

    def stride_s(self, now_s: float) -> float:
        return 120.0 / (166.0 + 6.0 * (self.speed_mps(now_s) - 3.0))

    def _zone(self, metric: str, now_s: float) -> Zone:
        zone = zone_at(getattr(ZoneRules(), metric), self.speed_mps(now_s))
        assert zone is not None
        return zone

    def _value(self, metric: str, side: Side, now_s: float, noise: float = 0.05) -> float:
        """Around the zone, or at its bound where the other side is open."""
        zone = self._zone(metric, now_s)
        low = zone.low if zone.low is not None else (zone.high or 0.0) * 0.6 - 0.02
        high = zone.high if zone.high is not None else low + 0.16
        swing = 0.25 * math.sin(now_s / 29.0 + 7.0 * self._bias[metric])
        off = self._bias[metric] + swing + self._chance.gauss(0.0, noise)
        off += self._lopsided[metric] * (1 if side is Side.LEFT else -1)
        return (low + high) / 2 + off * (high - low)

    # ---- messages ----

    def stride(self, side: Side, now_s: float, t: int, session: str, seq: int) -> StrideMessage:
        self._counts[side] += 1
        ic = now_s - self.stride_s(now_s)
        fields: dict[str, Any] = dict.fromkeys(Stride.__struct_fields__[6:-1])
        fields |= {m: self._value(m, side, now_s, noise=0.2) for m in ZONE_METRICS}
        fields |= {name: value * self._chance.gauss(1.0, 0.04) for name, value in _OTHERS.items()}
        fields["speed_mps"] = self.speed_mps(now_s)
        fields["stride_time_ms"] = self.stride_s(now_s) * 1e3
        fields["step_length_m"] = self.speed_mps(now_s) * self.stride_s(now_s) / 2
        contact_s = (fields["contact_time_ms"] or 250.0) / 1e3
        return StrideMessage(
            t=t,
            session=session,
            seq=seq,
            runner=self.name,
            side=side,
            index=self._counts[side],
            ic=ic,
            to=ic + contact_s,
            next_ic=now_s,
            quality=(),
            **fields,
        )

    def summary(self, now_s: float, t: int, session: str | None) -> Summary:
        ran_s = now_s - self._began_s
        speed_mps = self.speed_mps(now_s)
        units = 400.0 + 1.35 * ran_s * self._base_mps / 3
        share = units / _CAP_UNITS
        left_pct = 50.0 + 2.5 * self._bias["contact_time_ms"]
        return Summary(
            t=t,
            runner=self.name,
            session=session,
            gait=Gait.RUNNING,
            stride_t=t - 400,
            strides_left=self._counts[Side.LEFT],
            strides_right=self._counts[Side.RIGHT],
            speed_mps=speed_mps,
            metrics={m: self._readings(m, now_s) for m in (*ZONE_METRICS, *_OTHERS)},
            stride_time_cv_pct=self._chance.uniform(1.4, 2.6),
            balance=BalanceReading(
                left_pct=left_pct,
                position=_position(left_pct, 49.0, 51.0),
                is_amber=1.0 < abs(left_pct - 50.0) <= 2.0,
            ),
            is_over_leaning=self._bias["lean_deg"] > 0.7,
            strike=dict.fromkeys(Side, self._strike),
            drift=self._drift(),
            load=LoadReading(
                units_left=units,
                units_right=units * 0.97,
                steps_left=round(units),
                steps_right=round(units * 0.97),
                running_min=ran_s / 60.0,
                is_strike_known=True,
                share=share,
                used=units,
                cap=_CAP_UNITS,
                unit=LoadUnit.UNITS,
                source=CapSource.HISTORY,
                is_reached=share >= 1.0,
                advice=(),
            ),
            plan="open",
            coach="muted" if self.is_muted else "watching",
            drill=(),
            is_muted=self.is_muted,
            cue=self._last_cue,
            can_buzz=True,
        )

    def _readings(self, metric: str, now_s: float) -> Mapping[Side, Reading]:
        if metric not in ZONE_METRICS:
            value = _OTHERS[metric]
            plain = Reading(
                median=value, sd=0.04 * value, position=None, is_amber=False, low=None, high=None
            )
            return dict.fromkeys(Side, plain)
        zone = self._zone(metric, now_s)
        readings = {}
        for side in Side:
            value = self._value(metric, side, now_s)
            far = max(zone.above(value), zone.below(value))
            readings[side] = Reading(
                median=value,
                sd=0.05 * abs(value),
                position=zone.position(value),
                is_amber=0.0 < far <= zone.amber,
                low=zone.low,
                high=zone.high,
            )
        return readings

    def _drift(self) -> DriftReading:
        if self._bias["cadence_spm"] > -0.5:
            return DriftReading(is_fading=False, metrics=(), text="Your form holds.")
        return DriftReading(
            is_fading=True,
            metrics=("cadence_spm", "contact_time_ms"),
            text="Since minute 12 your form has been fading: fewer steps a minute, feet longer on"
            " the ground. Ease off, walk a little, or call it a day.",
        )

    def cue(self, now_s: float, t: int, session: str, seq: int) -> CueMessage:
        kind = self._chance.choice(tuple(CueKind))
        side = self._chance.choice(tuple(CueSide))
        fault_side = Side.RIGHT if side is CueSide.RIGHT else Side.LEFT
        metric = _CUE_METRIC[kind]
        is_withheld = self._chance.random() < 0.2
        self._last_cue = LastCue(t=t, kind=kind, side=side, withheld=is_withheld, response=None)
        return CueMessage(
            t=t,
            session=session,
            seq=seq,
            runner=self.name,
            due_s=now_s,
            kind=kind,
            side=side,
            metric=metric,
            value=self._value(metric, fault_side, now_s),
            zone=self._zone(metric, now_s),
            withheld=is_withheld,
            why_withheld=Withheld.CONTROL if is_withheld else None,
            latency_ms=None if is_withheld else self._chance.uniform(60.0, 120.0),
            fault_side=fault_side,
            foot_strike_s=now_s - 0.1,
            arrival_s=now_s - 0.06,
            decided_s=now_s - 0.05,
            edge_s=None if is_withheld else now_s,
        )

    def response(self, cue: CueMessage, t: int, session: str, seq: int) -> CueResponseMessage:
        response = self._chance.choice(tuple(Response))
        self._last_cue = LastCue(
            t=cue.t, kind=cue.kind, side=cue.side, withheld=cue.withheld, response=response
        )
        return CueResponseMessage(
            t=t,
            session=session,
            seq=seq,
            runner=self.name,
            due_s=cue.due_s,
            kind=cue.kind,
            side=cue.side,
            metric=cue.metric,
            withheld=cue.withheld,
            why_withheld=cue.why_withheld,
            response=response,
            change=-0.03 if response is Response.RESPONDED else 0.0,
            side_effects={"cadence_spm": 2.5},
        )

    def zones(self, now_s: float, t: int) -> ZoneMessage:
        rules = ZoneRules()
        return ZoneMessage(
            t=t,
            runner=self.name,
            speed_mps=self.speed_mps(now_s),
            zones={
                metric: ZoneInForce(
                    rule=getattr(rules, metric),
                    now=dict.fromkeys(Side, self._zone(metric, now_s)),
                )
                for metric in ZONE_METRICS
            },
        )

    def cycle(self, t: int) -> Cycle:
        return Cycle(
            t=t,
            runner=self.name,
            sides={side: self._side_cycle(side) for side in Side},
            thigh_of_leg=0.499,
        )

    def _side_cycle(self, side: Side) -> SideCycle:
        more = 1.0 + 0.1 * self._bias["kickback_deg"] + 0.1 * self._lopsided["kickback_deg"]
        return side_cycle(thigh=1.0 if side is Side.LEFT else 0.95, shank=more)

    def explain(self, t: int) -> Explain:
        told = AssociationReading(
            side=Side.LEFT,
            outcome="overstride_ratio",
            metric="heel_lift_ratio",
            outcome_median=self._value("overstride_ratio", Side.LEFT, t / 1e3),
            metric_median=0.48,
            rho=-0.46,
            low=-0.61,
            high=-0.28,
            strides=240,
            is_clear=True,
            text="overstride and heel lift, left: one rose as the other fell (rho -0.5, likely"
            " -0.6 to -0.3, 240 strides)",
        )
        return Explain(
            t=t,
            runner=self.name,
            strike=dict.fromkeys(Side, self._strike),
            associations=(told,),
        )


def _position(value: float, low: float, high: float) -> Position:
    if value < low:
        return Position.BELOW
    return Position.ABOVE if value > high else Position.IN
