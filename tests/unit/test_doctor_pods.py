"""What doctor says of the hub's pods, and of what can come of them."""

from pathlib import Path

import pytest

from made_machine import case_in, health, lines, pod, told
from stridehub.doctor import pods
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.model import LinkState, Placement
from stridehub.record.roster import Roster
from stridehub.record.snapshot import write_snapshot


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Of a hub with a runner who wears what it takes."""
    made = case_in(tmp_path, config='[[runners]]\nrunner = "r1"\nheight_m = 1.8\n')
    wear(made, Placement.SHANK_L, Placement.SHANK_R, Placement.THIGH_L)
    return made


def wear(case: Case, *placements: Placement) -> None:
    for number, placement in enumerate(placements, 1):
        Roster(case.config.database).keep(pod(number, placement))


def test_pace_wants_a_thigh_and_a_measure(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    wear(case, Placement.SHANK_L, Placement.SHANK_R)
    told(pods.look(case), "ok", "r1: no pod at a thigh: strides have no pace")
    wear(case, Placement.SHANK_L, Placement.SHANK_R, Placement.THIGH_R)
    assert told(pods.look(case), "warn", "neither height nor leg length").advice == Advice.MEASURE


def test_strides_want_both_shanks(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    wear(case, Placement.SHANK_L)
    told(pods.look(case), "warn", "r1: no pod at shank_r: no strides of that leg")


def test_a_hub_without_pods_is_told_to_get_some(tmp_path: Path) -> None:
    told(pods.look(case_in(tmp_path)), "warn", "no pod is this hub's yet")


def test_of_pods_nothing_is_known_while_no_hub_runs(case: Case) -> None:
    told(pods.look(case), "ok", "3 pods; how they are")


def test_a_roster_that_is_damaged_is_told(case: Case) -> None:
    case.config.database.write_bytes(b"this is no database" * 100)
    assert told(pods.look(case), "fail", "stridehub.sqlite").advice == Advice.MEND_ROSTER


def test_a_good_pod_is_good(case: Case) -> None:
    write_snapshot(case.config.runtime, [health()])
    expected = ["ok: L01 (r1, shank_l): streaming, 3.90 V, firmware 1.0"]
    assert lines(pods.look(case)) == expected


def test_what_is_wrong_with_a_pod_is_told_each(case: Case) -> None:
    sick = health(
        LinkState.DEGRADED, reason="no answer", age_s=900.0, battery_mv=3500, firmware=0x0003,
        imu_fault=True,
    )  # fmt: skip
    write_snapshot(case.config.runtime, [sick])
    told(pods.look(case), "fail", "its sensor does not answer")
    told(pods.look(case), "warn", "degraded, not heard for 15 min: no answer")
    told(pods.look(case), "warn", "its battery is at 3.50 V")
    told(pods.look(case), "warn", "its firmware is 0.3, and this hub knows 1.0")


def test_a_pod_that_was_never_heard_is_missing(case: Case) -> None:
    away = health(LinkState.MISSING, age_s=None, battery_mv=None, firmware=None)
    write_snapshot(case.config.runtime, [away])
    (line,) = lines(pods.look(case))
    assert line == "warn: L01 (r1, shank_l): missing, not heard since the hub was started"


def test_the_hub_knows_the_firmware_that_comes_with_it(root: Path) -> None:
    header = (root / "firmware" / "core" / "pod_core.h").read_text()
    assert f"POD_CORE_FIRMWARE = 0x{pods.KNOWN_FIRMWARE:04X}," in header
