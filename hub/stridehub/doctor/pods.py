"""The hub's pods, as the roster has them and a running hub sees them."""

from collections.abc import Collection, Iterator

from stridehub.checklist import LOW_BATTERY_MV
from stridehub.config import RunnerSettings
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says, count
from stridehub.errors import StoreError
from stridehub.model import LinkState, Placement, PodHealth
from stridehub.record.roster import Roster
from stridehub.record.snapshot import read_snapshot
from stridehub.timing import LONG_MISSING_S

KNOWN_FIRMWARE = 0x0100  # major << 8 | minor: of the pods that came with this hub

_SHANKS = (Placement.SHANK_L, Placement.SHANK_R)
_THIGHS = {Placement.THIGH_L, Placement.THIGH_R}

_SAYS = Says("pods")


def look(case: Case) -> Iterator[Finding]:
    try:
        pods = Roster(case.config.database).pods()
    except StoreError as error:
        yield _SAYS.fail(str(error), Advice.MEND_ROSTER)
        return
    if not pods:
        yield _SAYS.warn("no pod is this hub's yet", Advice.PROVISION)
        return
    for runner in dict.fromkeys(pod.runner for pod in pods):
        worn = [pod.placement for pod in pods if pod.runner == runner]
        yield from _of_runner(case.config.settings(runner), worn)
    snapshot = read_snapshot(case.config.runtime)
    if snapshot is None:
        yield _SAYS.ok(f"{count(len(pods), 'pod')}; how they are is known while the hub runs")
        return
    for health in snapshot.pods:
        yield from _of_pod(health)


def _of_runner(settings: RunnerSettings, worn: Collection[Placement]) -> Iterator[Finding]:
    """Whether strides and pace can come of it."""
    runner = settings.runner
    for shank in _SHANKS:
        if shank not in worn:
            text = f"{runner}: no pod at {shank.label}: no strides of that leg"
            yield _SAYS.warn(text, Advice.PROVISION_SHANK)
    if not _THIGHS & set(worn):
        yield _SAYS.ok(f"{runner}: no pod at a thigh: strides have no pace")
    elif settings.height_m is settings.leg_length_left_m is settings.leg_length_right_m is None:
        text = f"{runner}: neither height nor leg length: strides have no pace, and no zones"
        yield _SAYS.warn(text, Advice.MEASURE)


def _of_pod(health: PodHealth) -> Iterator[Finding]:
    pod = health.pod
    name = f"{pod.name or pod.address} ({pod.runner}, {pod.placement.label})"
    troubles = list(_troubles(name, health))
    yield from troubles
    if not troubles:
        yield _SAYS.ok(f"{name}: {', '.join(_facts(health))}")


def _troubles(name: str, health: PodHealth) -> Iterator[Finding]:
    if health.imu_fault:
        yield _SAYS.fail(f"{name}: its sensor does not answer", Advice.SWITCH_OFF_AND_ON)
    if health.state is not LinkState.STREAMING:
        reason = f": {health.reason}" if health.reason else ""
        yield _SAYS.warn(f"{name}: {health.state}{_unseen(health.age_s)}{reason}", Advice.WAKE)
    if health.battery_mv is not None and health.battery_mv < LOW_BATTERY_MV:
        volts = health.battery_mv / 1e3
        yield _SAYS.warn(f"{name}: its battery is at {volts:.2f} V", Advice.CHARGE)
    if health.firmware is not None and health.firmware < KNOWN_FIRMWARE:
        told = f"{_version(health.firmware)}, and this hub knows {_version(KNOWN_FIRMWARE)}"
        yield _SAYS.warn(f"{name}: its firmware is {told}", Advice.UPDATE_POD)


def _unseen(age_s: float | None) -> str:
    if age_s is None:
        return ", not heard since the hub was started"
    return f", not heard for {age_s / 60:.0f} min" if age_s > LONG_MISSING_S else ""


def _facts(health: PodHealth) -> Iterator[str]:
    yield str(health.state)
    if health.battery_mv is not None:
        yield f"{health.battery_mv / 1e3:.2f} V"
    if health.firmware is not None:
        yield f"firmware {_version(health.firmware)}"


def _version(firmware: int) -> str:
    return f"{firmware >> 8}.{firmware & 0xFF}"
