"""`python -m mock_bluez.pods`: virtual pods, in a process of their own.

It obeys the tests by stdin, and ends with it.
"""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from mock_bluez.addresses import pod_address
from mock_bluez.control import Handler, obey
from mock_bluez.pod_app import Clock, PodApp
from stridehub.kernel.link import Charging
from stridehub.synthetic import STANDING_S
from virtual_pod.drive import Body, team
from virtual_pod.pod import ImuHealth


class Controls:
    """What tests can ask of the pods, each by its number."""

    def __init__(self, pods: list[PodApp], clock: Clock) -> None:
        self._pods = pods
        self._clock = clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "off": lambda pod: self._pods[pod].switch_off(),
            "on": self.switch_on,
            "hang_up": lambda pod: self._pods[pod].hang_up(),
            "hang": lambda pod, hung: self._pods[pod].hang(hung),
            "garbage": lambda pod, packets: self._mischief(pod, "garbage", packets),
            "swallow": lambda pod, packets: self._mischief(pod, "swallow", packets),
            "flood": lambda pod, per_s: self._mischief(pod, "flood_per_s", per_s),
            "speak_version": lambda pod, version: self._mischief(pod, "version", version),
            "set_battery": self.set_battery,
            "break_imu": lambda pod, health: self._pods[pod].present().break_imu(ImuHealth(health)),
            "tap": lambda pod: self._pods[pod].present().tap(),
            "skip_time": self._clock.skip,
            "stats": lambda: [_stats(pod) for pod in self._pods],
        }

    def switch_on(self, pod: int, address_type: str, wiped: bool) -> None:
        """Boots, where it was off."""
        app = self._pods[pod]
        app.address_type = address_type
        if not app.is_on:
            app.boot(wiped)
        app.switch_on()

    def _mischief(self, pod: int, kind: str, value: object) -> None:
        setattr(self._pods[pod].mischief, kind, value)

    def set_battery(self, pod: int, millivolts: int | None, charging: int) -> None:
        self._pods[pod].present().set_battery(millivolts, Charging(charging))


def _stats(app: PodApp) -> dict[str, Any]:
    pod = app.present()
    config, status = pod.config(), pod.status()
    return {
        "address": app.address,
        "is_on": app.is_on,
        "sent": app.stream.sent,
        "full": app.stream.full,
        "motor_edges": [asdict(edge) for edge in pod.take_motor_edges()],
        "placement": None if config.placement is None else config.placement.label,
        "name": config.name,
        "runner": config.runner,
        "state": status.state.name,
        "conditions": int(status.conditions),
        "uptime_s": status.uptime_s,
        "packets_dropped": status.packets_dropped,
        "writes_refused": status.writes_refused,
        "bonds": sorted(app.bonds),
    }


def _worn(bodies: list[Body]) -> Iterator[tuple[Body, int]]:
    for body in bodies:
        for number in range(len(body.pods)):
            yield body, number


async def _run(options: Namespace) -> None:
    clock = Clock(options.speed)
    pods = [
        PodApp(body, number, pod_address(index), set(options.bonded_with), clock)
        for index, (body, number) in enumerate(
            _worn(team(options.pods, options.seed, options.standing))
        )
    ]
    for pod in pods:
        pod.switch_on()
    await obey(Controls(pods, clock).handlers)
    for pod in pods:
        await pod.switch_off()


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0, help="of time")
    parser.add_argument("--standing", type=float, default=STANDING_S, help="s, before running")
    parser.add_argument("--bonded-with", action="append", default=[], help="a central's address")
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
