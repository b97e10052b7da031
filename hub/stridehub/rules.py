"""Every number the coach goes by: default, range, unit and source.

All of them can be set in TOML for a hub, a runner and a session; the later of these overrules the
earlier. `[D]` marks a default of this project, to be tuned from data, not a finding.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from stridehub.model import CueKind

Overrides = Mapping[str, Any]  # as in TOML: tables within tables

_OURS = "[D]"


def _about(unit: str, source: str = _OURS) -> Meta:
    return Meta(description=source, extra={"unit": unit})


_Number = Annotated[float, Meta(ge=0.0)]
_Positive = Annotated[float, Meta(gt=0.0)]
_Factor = Annotated[float, Meta(ge=1.0)]
_Exponent = Annotated[float, Meta(ge=-3.0, le=3.0)]
_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_Count = Annotated[int, Meta(ge=0)]
_Strides = Annotated[int, Meta(ge=1, le=200)]
_FewStrides = Annotated[int, Meta(ge=1, le=20)]  # of a side: as many as one takes in 15 s


class _Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields annotated with source (description) and unit."""

    def __post_init__(self) -> None:
        for name, value in msgspec.structs.asdict(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is not a number one can count with")


class ZoneRule(_Rules, frozen=True, kw_only=True):
    """A zone that scales with pace v.

    Centre: (value + per_mps * (v - at_mps)) * v ** exponent * (0.90 m / L) ** leg_exponent, kept
    within least..most. The zone reaches from `below` under it to `above` over it (shares of the
    centre where `is_share`); where one is not set, that side is open.
    """

    value: float
    at_mps: float = 0.0
    per_mps: float = 0.0
    exponent: _Exponent = 0.0
    leg_exponent: _Exponent = 0.0
    least: float | None = None
    most: float | None = None
    below: Annotated[float, Meta(ge=0.0)] | None = None
    above: Annotated[float, Meta(ge=0.0)] | None = None
    is_share: bool = False
    amber: Annotated[float, Meta(ge=0.0)] = 0.0  # outside by no more than this: not yet a fault
    # How far from the runner's own baseline the bound is set at most: change in steps. None: all
    # the way at once.
    reach: Annotated[float, Meta(gt=0.0)] | None = None
    is_own: bool = False  # around the runner's own baseline where that is known
    source: str = _OURS

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.below is None and self.above is None:
            raise ValueError("a zone needs a bound: below, above or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is above most")
        if self.is_share and self.value <= 0.0:
            raise ValueError("a share of nothing is no zone")


class ZoneRules(_Rules, frozen=True, kw_only=True):
    """By metric."""

    shank_angle_ic_deg: ZoneRule = ZoneRule(
        value=11.0, at_mps=3.0, per_mps=-1.0, least=6.0, most=12.0, above=0.0, amber=4.0, reach=8.0,
        source="[D]; elite women 7 deg falling to 4 deg with speed (Hanley 2022);"
        " 'relatively vertical tibia' (Lieberman 2015)",
    )  # fmt: skip
    overstride_ratio: ZoneRule = ZoneRule(
        value=0.30, at_mps=3.0, per_mps=0.02, above=0.0, reach=0.08
    )
    peak_knee_flexion_deg: ZoneRule = ZoneRule(
        value=60.0, per_mps=10.0, below=12.0, above=12.0, reach=25.0,
        source="[D]; about 90 running, 105+ sprinting (Novacheck 1998)",
    )  # fmt: skip
    kickback_deg: ZoneRule = ZoneRule(
        value=50.0, per_mps=10.0, below=12.0, above=12.0, reach=25.0,
        source="[D]; parallel to the ground at 4 m/s",
    )  # fmt: skip
    heel_trail_ratio: ZoneRule = ZoneRule(
        value=0.60, above=0.0, reach=0.15, source="[D]; 0.48-0.51 in three public runners"
    )
    knee_lift_deg: ZoneRule = ZoneRule(
        value=-4.0, per_mps=10.0, below=8.0, above=8.0, is_own=True,
        source="[D]; 34 and 37 deg at 3.9 m/s, 13 deg at 2.1 m/s in three public runners;"
        " linear in speed (Clark 2020)",
    )  # fmt: skip
    contact_time_ms: ZoneRule = ZoneRule(
        value=520.0, exponent=-0.65, below=0.12, above=0.12, is_share=True, is_own=True,
        source="[D]; 271 ms at 2.6 m/s",
    )  # fmt: skip
    cadence_spm: ZoneRule = ZoneRule(
        value=166.0, at_mps=3.0, per_mps=6.0, leg_exponent=0.25, below=0.05, above=0.05,
        is_share=True, is_own=True,
        source="[D]; 154-160 at 2.4-2.9 m/s self-selected (van Oeveren 2017): no fixed 180, no"
        " fixed 170",
    )  # fmt: skip
    lean_deg: ZoneRule = ZoneRule(
        value=7.0, at_mps=3.4, per_mps=1.0, below=5.0, above=5.0, is_own=True,
        source="trunk 3.6..10.8 deg at 3.4 m/s (Teng & Powers 2015)",
    )  # fmt: skip
    hip_over_foot_ratio: ZoneRule = ZoneRule(
        value=0.0, below=0.0, source="[D]; negative: sitting back behind the foot"
    )


class BalanceRules(_Rules, frozen=True, kw_only=True):
    """Contact time, left of both."""

    in_pct: Annotated[_Number, _about("% either way of 50")] = 1.0
    amber_pct: Annotated[_Number, _about("% either way of 50")] = 2.0
    least_steps: Annotated[_Strides, _about("steps a side")] = 100


class BaselineRules(_Rules, frozen=True, kw_only=True):
    """How the runner runs when nobody interferes."""

    strides: Annotated[_Count, _about("steady strides")] = 200
    seconds: Annotated[_Number, _about("s, whichever comes first")] = 300.0
    # Of a session's baseline in the one that is kept; the rest is what was kept before.
    new_share: Annotated[_Share, _about("share")] = 0.5
    # Fewer strides say nothing of a spread.
    least_strides: Annotated[_Strides, _about("strides a side")] = 10


class TriggerRules(_Rules, frozen=True, kw_only=True):
    """Bandwidth feedback."""

    median_strides: Annotated[_FewStrides, _about("valid strides of a side")] = 5
    due_sd: Annotated[_Number, _about("baseline SD beyond the zone")] = 1.0
    clear_sd: Annotated[_Number, _about("baseline SD beyond the zone")] = 0.5
    least_deg: Annotated[_Number, _about("deg, at least, for 1 SD")] = 3.0
    least_ratio: Annotated[_Number, _about("of leg length, at least, for 1 SD")] = 0.02
    least_share: Annotated[_Number, _about("of the value, at least, for 1 SD of anything else")] = (
        0.02
    )
    both_sides_share: Annotated[
        _Share, _about("of the faulty strides; from more on one side, only that one buzzes")
    ] = 0.7
    fault_strides: Annotated[_FewStrides, _about("last strides of each side")] = 10
    speed_strides: Annotated[_Strides, _about("last strides, for the pace")] = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clear_sd > self.due_sd:
            raise ValueError("clear_sd is above due_sd: a cue would never clear")


class CueRules(_Rules, frozen=True, kw_only=True):
    """Which cues, how often, and how many are withheld."""

    kinds: tuple[CueKind, ...] = tuple(CueKind)
    least_gap_s: Annotated[_Number, _about("s between cues")] = 20.0
    most_cues: Annotated[_Count, _about("cues in a window")] = 6
    window_s: Annotated[_Number, _about("s")] = 600.0
    ignored_cues: Annotated[_Strides, _about("cues in a row without a response")] = 3
    silence_s: Annotated[_Number, _about("s of silence after them")] = 120.0
    silence_growth: Annotated[
        _Factor, _about("times, each further time", "[D]; who does not answer is left in peace")
    ] = 2.0
    schedule: Annotated[
        tuple[_Share, ...],
        Meta(
            description="Crowell & Davis 2011 fade the last half; faded beats constant",
            extra={"unit": "share of due cues given, session by session; the last one stays"},
            min_length=1,
        ),
    ] = (1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.1)
    withheld: Annotated[
        _Share, _about("share of due cues", "[D]; the effect of cueing is measured against them")
    ] = 0.2
    # A cue that is due waits for a foot to land: at once, while there is a runner who runs.
    most_wait_s: Annotated[_Positive, _about("s")] = 1.5
    most_latency_s: Annotated[
        _Positive, _about("s from foot strike", "[D]; a late cue is about another step")
    ] = 1.0


class SuppressRules(_Rules, frozen=True, kw_only=True):
    """When no cue is given."""

    first_s: Annotated[_Number, _about("s from the start of running")] = 60.0
    pause_s: Annotated[_Positive, _about("s without running: a new start")] = 30.0
    speed_change_mps: Annotated[_Positive, _about("m/s")] = 0.3
    speed_change_s: Annotated[_Positive, _about("s")] = 5.0
    data_age_s: Annotated[_Positive, _about("s, of a leg pod's newest sample")] = 0.5
    loss: Annotated[_Share, _about("share of a leg pod's packets")] = 0.1
    loss_window_s: Annotated[_Positive, _about("s")] = 10.0
    # Rhythm lost: stride-time CV of this many strides a side against the baseline's.
    rhythm_strides: Annotated[_Strides, _about("strides of a side")] = 10
    rhythm_growth: Annotated[_Factor, _about("times the baseline's CV")] = 1.5
    rhythm_least_cv: Annotated[_Share, _about("CV that is never too much")] = 0.03
    rhythm_s: Annotated[_Number, _about("s after a cue: 'while cueing'")] = 60.0


class FollowUpRules(_Rules, frozen=True, kw_only=True):
    """What a cue has changed."""

    before_strides: Annotated[_FewStrides, _about("strides")] = 5
    from_stride: Annotated[_Strides, _about("after the cue")] = 3
    to_stride: Annotated[Annotated[int, Meta(ge=1, le=60)], _about("after the cue")] = 12
    response_sd: Annotated[
        _Positive, _about("baseline SD (see trigger)", "[D]; as far as a cue clears")
    ] = 0.5
    side_effect_sd: Annotated[_Positive, _about("baseline SD")] = 1.0
    most_s: Annotated[_Positive, _about("s; later nothing is known")] = 60.0
    confidence_z: Annotated[
        _Positive, _about("standard normal quantile; 1.96: 95 %", "Wilson 1927")
    ] = 1.96

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.from_stride > self.to_stride:
            raise ValueError("from_stride comes after to_stride")


class LoadRules(_Rules, frozen=True, kw_only=True):
    """Calf load, and how fast it may grow."""

    per_mps: Annotated[_Number, _about("1/(m/s)")] = 0.13
    at_mps: Annotated[_Number, _about("m/s")] = 2.7
    rearfoot: Annotated[_Positive, _about("units a step at at_mps")] = 1.00
    midfoot: Annotated[_Positive, _about("units a step", "[D], from Almonroeder 2013")] = 1.06
    forefoot: Annotated[
        _Positive, _about("units a step", "[D], from Almonroeder 2013: +11 % Achilles impulse")
    ] = 1.11
    most_growth: Annotated[
        _Factor,
        _about(
            "times the largest session",
            "Frandsen 2025, n = 5205: one session > 10 % beyond the longest of 30 days predicts"
            " injury; a weekly 10 % rule alone did not protect (Buist 2008)",
        ),
    ] = 1.10
    window_days: Annotated[_Positive, _about("days", "Frandsen 2025")] = 30.0
    # A trial of the hub is no measure of a runner.
    history_least_min: Annotated[_Number, _about("min of running; shorter sessions set no cap")] = (
        10.0
    )
    cap_units: Annotated[_Positive, _about("units a leg", "set by the plan")] | None = None
    first_forefoot_from_min: Annotated[_Positive, _about("min of forefoot running: enough")] = 5.0
    first_forefoot_min: Annotated[_Positive, _about("min of forefoot running")] = 8.0
    speed_strides: Annotated[
        _Strides, _about("last strides, whose median speed stands in where a stride has none")
    ] = 20
    pain_pauses: Annotated[_Strides, _about("of 10")] = 3


class DriftRules(_Rules, frozen=True, kw_only=True):
    """Form that fades with fatigue."""

    baseline_from_s: Annotated[_Number, _about("s of running")] = 180.0
    baseline_to_s: Annotated[_Positive, _about("s of running")] = 600.0
    every_s: Annotated[_Positive, _about("s")] = 300.0
    like_speed_mps: Annotated[_Positive, _about("m/s either way")] = 0.2
    sd: Annotated[_Positive, _about("baseline SD", "[D]; Apte 2021 review")] = 2.0
    least_metrics: Annotated[_Strides, _about("metrics", "Apte 2021 review")] = 2
    lasting_s: Annotated[_Number, _about("s")] = 600.0
    least_strides: Annotated[_Strides, _about("strides at like speed")] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.baseline_from_s >= self.baseline_to_s:
            raise ValueError("the drift's baseline ends before it begins")


class StrikeRules(_Rules, frozen=True, kw_only=True):
    """Foot strike: shown, never cued."""

    rearfoot_deg: Annotated[float, _about("deg, above", "Altman & Davis 2012")] = 8.0
    forefoot_deg: Annotated[float, _about("deg, below", "Altman & Davis 2012")] = -1.6
    least_steps: Annotated[_Strides, _about("steps a side", "an IMU errs by about 4 deg")] = 20
    hysteresis_deg: Annotated[_Number, _about("deg")] = 2.0


class DrillRules(_Rules, frozen=True, kw_only=True):
    """Repetitions that count."""

    pull_least_deg: Annotated[_Positive, _about("deg of shank, for a repetition")] = 45.0
    pull_rest_deg: Annotated[float, _about("deg of shank: the foot is down again")] = 20.0
    pull_trail_ratio: Annotated[float, _about("of leg length: under the hip")] = 0.35
    pull_behind_deg: Annotated[
        _Positive, _about("deg of thigh behind standing: that is a step, no pull")
    ] = 8.0
    pull_ahead_deg: Annotated[
        _Positive, _about("deg of shank ahead of standing once it is down: a step, no pull")
    ] = 8.0
    pull_sure_s: Annotated[_Number, _about("s after the foot is down; then it is a pull")] = 0.3
    settle_s: Annotated[_Number, _about("s after lost samples in which angles are doubtful")] = 8.0
    still_s: Annotated[_Positive, _about("s of standing before a start")] = 1.0
    still_deg: Annotated[_Positive, _about("deg of thighs and shanks, while standing still")] = 4.0
    upright_deg: Annotated[_Positive, _about("deg either way of the standing pose")] = 15.0
    lift_deg: Annotated[
        _Positive, _about("deg of shank back from standing: the foot leaves the ground")
    ] = 20.0
    start_ratio: Annotated[
        _Positive, _about("of leg length: the body has passed over the stance foot; it is a start")
    ] = 0.15
    start_s: Annotated[_Positive, _about("s, within which it does so")] = 1.0
    lean_most_knee_deg: Annotated[
        _Positive, _about("deg the stance knee bends more than in standing: still a line")
    ] = 20.0
    lean_least_ratio: Annotated[
        float, _about("of leg length: pelvis ahead of the stance ankle, first step")
    ] = 0.05
    following_strides: Annotated[_Strides, _about("strides a side of running after it")] = 20
    like_speed_mps: Annotated[_Positive, _about("m/s: another pace, beyond it")] = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pull_rest_deg >= self.pull_least_deg:
            raise ValueError("pull_rest_deg is not below pull_least_deg: no pull would ever end")


class ExplainRules(_Rules, frozen=True, kw_only=True):
    """What moved together, and when to say so."""

    most_strides: Annotated[int, Meta(ge=100), _about("strides a side kept; then thinned")] = 2048
    least_strides: Annotated[_Strides, _about("strides a side; fewer tell nothing")] = 60
    least_rho: Annotated[_Share, _about("rank correlation, in size")] = 0.3
    confidence_z: Annotated[
        _Positive,
        _about(
            "standard normal quantile; 1.96: 95 %",
            "Fieller 1957 for ranks, Pyper & Peterman 1998 for strides that resemble each other",
        ),
    ] = 1.96
    last_strides: Annotated[_Strides, _about("last strides of a side, for the median")] = 10


class CoachingRules(_Rules, frozen=True, kw_only=True):
    """All of them."""

    zones: ZoneRules = ZoneRules()
    balance: BalanceRules = BalanceRules()
    baseline: BaselineRules = BaselineRules()
    trigger: TriggerRules = TriggerRules()
    cues: CueRules = CueRules()
    suppress: SuppressRules = SuppressRules()
    follow_up: FollowUpRules = FollowUpRules()
    load: LoadRules = LoadRules()
    drift: DriftRules = DriftRules()
    strike: StrikeRules = StrikeRules()
    drills: DrillRules = DrillRules()
    explain: ExplainRules = ExplainRules()


class Layer(NamedTuple):
    """Numbers that somebody set."""

    who: str  # such as "hub": becomes the source of what is set
    overrides: Overrides


def rules(*layers: Layer) -> CoachingRules:
    """The defaults, overruled by the first layer, and so on to the last.

    Raises msgspec.ValidationError with the path of what cannot be.
    """
    merged: dict[str, Any] = msgspec.to_builtins(CoachingRules())
    for layer in layers:
        for zone, chosen in _table(layer.overrides.get("zones")).items():
            _overrule(merged, {"zones": {zone: _unbent(layer.who, _table(chosen))}})
        _overrule(merged, layer.overrides)
    return msgspec.convert(merged, CoachingRules)


def _unbent(who: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """A zone that somebody put elsewhere is bent by nothing that was not chosen with it."""
    told: dict[str, Any] = {"source": f"set for this {who}"}
    if chosen.keys() & {"value", "per_mps", "at_mps", "exponent"}:
        told |= {"reach": None, "is_own": False, "least": None, "most": None}
    return told


def _table(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _overrule(base: dict[str, Any], over: Overrides) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _overrule(base[key], value)
        else:
            base[key] = value


class Number(NamedTuple):
    """One of the numbers in force, as pages and reports show it."""

    path: str  # as in TOML, such as "cues.least_gap_s"
    value: Any
    unit: str
    source: str


def numbers(*layers: Layer) -> Iterator[Number]:
    """All but the zones, whose rules carry their own source."""
    chosen = rules(*layers)
    for part in CoachingRules.__struct_fields__:
        if part != "zones":
            for field in _fields(getattr(chosen, part)):
                source, unit = _meaning(field.type)
                who = [layer.who for layer in layers if field.name in layer.overrides.get(part, ())]
                value = getattr(getattr(chosen, part), field.name)
                told = f"set for this {who[-1]}" if who else source
                yield Number(f"{part}.{field.name}", value, unit, told)


def _fields(of: msgspec.Struct) -> Sequence[msgspec.inspect.Field]:
    kind = msgspec.inspect.type_info(type(of))
    assert isinstance(kind, msgspec.inspect.StructType)
    return kind.fields


def _meaning(kind: Any) -> tuple[str, str]:
    """Source and unit of a field, from its annotation."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return next(meaning for meaning in map(_meaning, kind.types) if meaning != (_OURS, ""))
    if isinstance(kind, msgspec.inspect.Metadata):
        schema, extra = kind.extra_json_schema or {}, kind.extra or {}
        return schema.get("description", _OURS), extra.get("unit", "")
    return _OURS, ""
