"""Each thing that is missing is told once, to whom it concerns, and goes when it is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.checklist import LOSS_UPDATES, LOW_BATTERY_MV, MUCH_LOSS, Checklist, Item, Wearer
from stridehub.model import (
    ENOUGH_CONFIDENCE,
    KnownPod,
    LinkState,
    Placement,
    PodHealth,
)
from support import pod_status

ADAPTER = "F0:00:00:00:00:01"
RUNNER = "r1"
WORN = (Placement.THIGH_L, Placement.SHANK_L, Placement.SHANK_R)
SHANK = Placement.SHANK_L


def health(placement: Placement, runner: str = RUNNER) -> PodHealth:
    """Of a pod that streams well."""
    return PodHealth(
        pod=KnownPod(f"F0:D6:16:00:00:{placement:02d}", "L07", placement, runner, ADAPTER),
        state=LinkState.STREAMING,
        reason=None,
        age_s=0.02,
        battery_mv=3900,
        rssi_dbm=-60,
        mtu=247,
        interval_ms=30.0,
        firmware=0x0100,
        connects=1,
        packets=1000,
        imu_fault=False,
        samples_a_packet=8,
    )


@dataclass(frozen=True)
class Scene:
    """What a hub knows at one moment; nothing is missing."""

    healths: Sequence[PodHealth] = tuple(health(place) for place in WORN)
    wearers: Sequence[Wearer] = (Wearer(RUNNER, [pod_status(place) for place in WORN]),)
    adapters: Mapping[str, str] = field(default_factory=dict)

    def with_health(self, **changes: object) -> "Scene":
        """One pod's health is otherwise."""
        changed = [
            replace(h, **changes) if h.pod.placement is SHANK else h  # type: ignore[arg-type]
            for h in self.healths
        ]
        return replace(self, healths=changed)

    def with_status(self, **changes: object) -> "Scene":
        """What the kernel knows of one pod is otherwise."""
        (wearer,) = self.wearers
        pods = [
            replace(s, **changes) if s.placement is SHANK else s  # type: ignore[arg-type]
            for s in wearer.pods
        ]
        return replace(self, wearers=[replace(wearer, pods=pods)])

    def with_hints(self, *hints: str) -> "Scene":
        (wearer,) = self.wearers
        return replace(self, wearers=[replace(wearer, hints=hints)])

    def without(self, placement: Placement) -> "Scene":
        """That pod is not of this hub."""
        return replace(self, healths=[h for h in self.healths if h.pod.placement != placement])


GOOD = Scene()
# The code, the scene, and what must stand in the text besides runner and placement.
OF_A_POD: dict[str, tuple[str, Scene, str]] = {
    "waiting": ("pod_trouble", GOOD.with_health(state=LinkState.WAITING, reason="no answer"),
                "no answer"),
    "degraded": ("pod_trouble", GOOD.with_health(state=LinkState.DEGRADED, reason="silent"),
                 "silent"),
    "waiting, no reason": ("pod_trouble", GOOD.with_health(state=LinkState.WAITING), "connected"),
    "missing": ("pod_missing", GOOD.with_health(state=LinkState.MISSING), "not seen"),
    "connecting": ("pod_connecting", GOOD.with_health(state=LinkState.CONNECTING), "connecting"),
    "imu fault": ("imu_fault", GOOD.with_health(imu_fault=True), "sensor"),
    "battery": ("battery_low", GOOD.with_health(battery_mv=3412), "battery low"),
    "empty": ("battery_low", GOOD.with_health(battery_mv=0), "charge"),
    "no standing": ("no_standing", GOOD.with_status(has_standing=False), "stand still"),
    "no axes": ("not_aligned", GOOD.with_status(alignment_confidence=0.1), "run"),
    "no shank": ("shank_missing", GOOD.without(SHANK), "no pod"),
}  # fmt: skip
OF_OTHERS: dict[str, tuple[str, str, Scene, str]] = {
    "adapter": ("adapter", ADAPTER, replace(GOOD, adapters={ADAPTER: "not there"}), "not there"),
    "no pods": ("no_pods", "", replace(GOOD, healths=[], wearers=[]), "stridehub provision"),
    "hint": ("worn_wrong", RUNNER, GOOD.with_hints("left thigh and shank look swapped"),
             "left thigh and shank look swapped"),
}  # fmt: skip
SCENES = {name: scene for name, (_, scene, _) in OF_A_POD.items()} | {
    name: scene for name, (_, _, scene, _) in OF_OTHERS.items()
}


def told(scene: Scene) -> tuple[Item, ...]:
    checklist = Checklist()
    update(checklist, scene)
    return checklist.items


def update(checklist: Checklist, scene: Scene) -> None:
    checklist.update(scene.healths, scene.wearers, scene.adapters)


def test_where_nothing_is_missing_there_is_nothing_to_do() -> None:
    checklist = Checklist()
    update(checklist, GOOD)
    assert checklist.items == ()
    assert checklist.is_good


@pytest.mark.parametrize(("code", "scene", "words"), OF_A_POD.values(), ids=OF_A_POD)
def test_what_is_missing_of_a_pod_names_runner_and_placement(
    code: str, scene: Scene, words: str
) -> None:
    (item,) = told(scene)
    assert (item.code, item.subject, item.placement) == (code, RUNNER, SHANK)
    for part in (RUNNER, "shank_l", words):
        assert part in item.text
    assert len(item.text.splitlines()) == 1


@pytest.mark.parametrize(("code", "subject", "scene", "words"), OF_OTHERS.values(), ids=OF_OTHERS)
def test_what_is_missing_of_others_names_them(
    code: str, subject: str, scene: Scene, words: str
) -> None:
    (item,) = told(scene)
    assert (item.code, item.subject, item.placement) == (code, subject, None)
    assert subject in item.text
    assert words in item.text


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_each_item_comes_and_goes_and_each_change_is_told_once(scene: Scene) -> None:
    heard: list[tuple[Item, ...]] = []
    checklist = Checklist(heard.append)
    for now in (GOOD, GOOD, scene, scene, scene, GOOD, GOOD):
        update(checklist, now)
        assert checklist.is_good == (now is GOOD)
    assert heard == [told(scene), ()]


def test_all_that_is_missing_is_told_at_once() -> None:
    scene = replace(
        GOOD.with_health(battery_mv=3000, imu_fault=True)
        .with_status(has_standing=False)
        .with_hints("one", "two")
        .without(Placement.SHANK_R),
        adapters={ADAPTER: "deaf"},
    )
    assert {item.code for item in told(scene)} == {
        *("adapter", "imu_fault", "battery_low", "shank_missing", "no_standing"),
        "worn_wrong",
    }
    assert [item.code for item in told(scene)].count("worn_wrong") == 2


@given(st.lists(st.sampled_from(sorted(SCENES)), max_size=30))
def test_whoever_listens_hears_every_change_and_nothing_else(names: list[str]) -> None:
    heard: list[tuple[Item, ...]] = []
    checklist = Checklist(heard.append)
    want: list[tuple[Item, ...]] = []
    for name in names:
        update(checklist, SCENES[name])
        if told(SCENES[name]) != (want[-1] if want else ()):
            want.append(told(SCENES[name]))
        assert checklist.items == told(SCENES[name])
    assert heard == want


def counted(came: int, lost: int) -> Scene:
    """So many packets of every pod since the beginning."""
    return GOOD.with_status(packets=came, lost_packets=lost)


def test_loss_is_told_while_it_lasts_and_forgotten_a_minute_later() -> None:
    checklist = Checklist()
    came, lost = 100_000, 0
    for second in range(3 * LOSS_UPDATES):
        is_bad = second < LOSS_UPDATES
        came, lost = came + 26 - 2 * is_bad, lost + 2 * is_bad
        update(checklist, counted(came, lost))
        if second == LOSS_UPDATES - 1:
            assert {item.code for item in checklist.items} == {"loss"}
            assert "more than 2% of its packets" in checklist.items[0].text
    assert checklist.is_good


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_loss_counts_from_a_fiftieth_on(came: int, lost: int) -> None:
    checklist = Checklist()
    update(checklist, counted(5000, 1000))
    update(checklist, counted(5000 + came, 1000 + lost))
    is_much = came + lost >= 100 and lost > MUCH_LOSS * (came + lost)
    assert checklist.is_good == (not is_much)


def test_counters_that_begin_anew_are_no_loss() -> None:
    checklist = Checklist()
    for came, lost in ((50_000, 40_000), (0, 0), (1000, 0)):
        update(checklist, counted(came, lost))
    assert checklist.is_good


LIMITS: dict[str, tuple[Callable[[], Scene], Callable[[], Scene]]] = {
    "battery": (
        lambda: GOOD.with_health(battery_mv=LOW_BATTERY_MV),
        lambda: GOOD.with_health(battery_mv=LOW_BATTERY_MV - 1),
    ),
    "alignment": (
        lambda: GOOD.with_status(alignment_confidence=ENOUGH_CONFIDENCE),
        lambda: GOOD.with_status(alignment_confidence=ENOUGH_CONFIDENCE - 0.01),
    ),
}


@pytest.mark.parametrize(("enough", "too_little"), LIMITS.values(), ids=LIMITS)
def test_what_is_just_enough_is_enough(
    enough: Callable[[], Scene], too_little: Callable[[], Scene]
) -> None:
    assert told(enough()) == ()
    assert len(told(too_little())) == 1


def test_what_is_not_known_is_not_complained_about() -> None:
    assert told(GOOD.with_health(battery_mv=None, rssi_dbm=None, age_s=None)) == ()


def test_a_pod_that_has_not_sent_yet_is_not_asked_to_stand_still() -> None:
    silent = GOOD.with_status(packets=0, has_standing=False, alignment_confidence=0.0)
    assert told(silent) == ()


def test_a_pod_without_its_zero_is_first_asked_to_stand_then_to_run() -> None:
    scene = GOOD.with_status(has_standing=False, alignment_confidence=0.0)
    assert [item.code for item in told(scene)] == ["no_standing"]


def test_some_lost_packets_at_the_beginning_mean_nothing_yet() -> None:
    assert told(GOOD.with_status(packets=20, lost_packets=20)) == ()


def test_no_thigh_is_no_fault() -> None:
    assert told(GOOD.without(Placement.THIGH_L)) == ()


def test_both_shanks_missing_are_two_things_to_do() -> None:
    items = told(GOOD.without(Placement.SHANK_L).without(Placement.SHANK_R))
    assert [(item.code, item.placement) for item in items] == [
        ("shank_missing", Placement.SHANK_L),
        ("shank_missing", Placement.SHANK_R),
    ]


def test_two_runners_are_told_apart() -> None:
    places = (Placement.SHANK_L, Placement.SHANK_R)
    other = Wearer("r2", [pod_status(place) for place in places], ["look wrong"])
    healths = [*GOOD.healths, *(health(place, "r2") for place in places)]
    scene = Scene(healths, [*GOOD.wearers, other], {})
    assert [(item.subject, item.text) for item in told(scene)] == [("r2", "r2: look wrong")]
    lacking = Scene(healths[:-1], [*GOOD.wearers, replace(other, hints=())], {})
    (item,) = told(lacking)
    assert (item.code, item.subject, item.placement) == (
        "shank_missing",
        "r2",
        Placement.SHANK_R,
    )
