#!/usr/bin/env python3
"""Runs the simulated pod against the test central, and holds what they say against the bar.

    run.py --pod build/pod/zephyr/zephyr.exe --central build/central/zephyr/zephyr.exe

BSIM_OUT_PATH is where BabbleSim was built. Logs of each scenario stay in --out.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

LONGEST_S = 1800
FLASH_BYTES = 512 * 1024
FLASH_FAULT = 2


class Failure(Exception):
    """A bar that was not reached."""


@dataclass(frozen=True)
class Device:
    is_pod: bool
    options: str = ""


@dataclass
class Logs:
    """What the devices of one run said, device by device."""

    texts: list[str]

    def last(self, device: int, start: str) -> str:
        lines = self.lines(device, start)
        if not lines:
            raise Failure(f"device {device} never said {start!r}")
        return lines[-1]

    def lines(self, device: int, start: str) -> list[str]:
        said = (line.split("  ", 1)[-1] for line in self.texts[device].splitlines())
        return [line for line in said if line.startswith(start)]

    def times_us(self, device: int, start: str) -> list[int]:
        return [int(number_before(line, " us$")) for line in self.lines(device, start)]


def number_before(line: str, what: str) -> int:
    found = re.search(rf"(-?\d+){what}", line)
    if found is None:
        raise Failure(f"no number before {what!r} in {line!r}")
    return int(found[1])


def demand(what: str, is_met: bool) -> None:
    if not is_met:
        raise Failure(what)


def motor_delays_us(logs: Logs, pod: int, central: int) -> list[int]:
    """From each write of a pattern to the first edge of the motor after it."""
    starts = logs.times_us(pod, "MOTOR 60 %")
    delays = []
    for written_us in logs.times_us(central, "HAPTIC written"):
        after = [start - written_us for start in starts if start >= written_us]
        demand(f"the motor did not follow the write at {written_us} us", bool(after))
        delays.append(min(after))
    return delays


def demand_gapless(stream: str) -> None:
    for what in (" missing", " repeated", " wrong", " unreadable", " sequence gaps"):
        demand(f"0{what}: {stream}", number_before(stream, what) == 0)
    demand(f"none dropped: {stream}", number_before(stream, " dropped by the pod") == 0)


def check_session(logs: Logs) -> None:
    stream = logs.last(1, "STREAM")
    demand_gapless(stream)
    demand(f"600 s of samples: {stream}", number_before(stream, " samples,") >= 600 * 210)
    timing = logs.last(1, "TIMING")
    demand("time stamps within 100 us", number_before(timing, " us early") < 100)
    demand("time stamps within 100 us", number_before(timing, " us late") < 100)
    demand("read back alike", bool(logs.lines(1, "CONFIG read back alike")))
    interval_us = number_before(logs.last(1, "LINK"), " us, latency")
    delays = motor_delays_us(logs, 0, 1)
    print(f"  motor: {len(delays)} writes, edge after {min(delays)} to {max(delays)} us")
    demand("motor within two connection intervals", max(delays) <= 2 * interval_us)


def check_reboot(logs: Logs) -> None:
    counts = logs.last(1, "COUNTS")
    demand(f"two connections: {counts}", number_before(counts, " connections") == 2)
    demand(f"one pairing: {counts}", number_before(counts, " pairings,") == 1)
    streams = logs.lines(1, "STREAM")
    demand("two streams", len(streams) == 2)
    for stream in streams:
        demand_gapless(stream)


def check_narrow(logs: Logs) -> None:
    """What does not fit is dropped as whole packets, oldest first, and counted."""
    stream = logs.last(1, "STREAM")
    dropped = number_before(stream, " dropped by the pod")
    demand(f"some dropped: {stream}", dropped > 0)
    demand("each gap told", number_before(stream, " sequence gaps") == dropped)
    demand("whole packets", number_before(stream, " missing") == dropped * 8)
    demand("nothing wrong", number_before(stream, " wrong") == 0)


def check_silence(logs: Logs) -> None:
    stream = logs.last(1, "STREAM")
    demand(f"one gap, flagged: {stream}", len(logs.lines(1, "MISSING")) == 1)
    demand(f"one gap, flagged: {stream}", number_before(stream, " overflow flags") == 1)
    print(f"  {logs.last(1, 'MISSING')}")
    wait_us = number_before(logs.last(1, "TIMING"), " us, delay")
    print(f"  no samples for {wait_us / 1e6:.2f} s")


def check_lost_hub(logs: Logs) -> None:
    """Notifications that nobody takes do not hold the pod up."""
    gone_us = logs.times_us(2, "CONNECTED")[0]
    waits = [
        number_before(line, " us, at")
        for line in logs.lines(0, "FED")
        if 20_000_000 < number_before(line, " us$") < gone_us
    ]
    print(f"  {len(waits)} s without an answer, the loop's longest step {max(waits)} us")
    demand("the hub was lost for half a minute", len(waits) >= 30)
    demand("no step held up", max(waits) < 100_000)
    stream = logs.last(2, "STREAM")
    demand(f"streams again: {stream}", number_before(stream, " missing") == 0)


def check_ruined_flash(logs: Logs) -> None:
    conditions = [
        int(condition, 16)
        for line in logs.lines(1, "HEARD")
        for condition in re.findall(r"conditions 0x([0-9a-f]+)", line)
    ]
    demand("heard", bool(conditions))
    demand("the fault is told", (conditions[0] & FLASH_FAULT) != 0)
    demand("settings are kept again", bool(logs.lines(1, "CONFIG read back alike")))
    demand_gapless(logs.last(1, "STREAM"))


def check_stranger(logs: Logs) -> None:
    demand_gapless(logs.last(1, "STREAM"))
    counts = logs.last(2, "COUNTS")
    demand(f"no pairing: {counts}", number_before(counts, " pairings,") == 0)
    first_us = min(logs.times_us(2, "HEARD"))
    demand("nothing to be heard while the hub is there", first_us >= 75_000_000)
    print(f"  stranger: {counts}")


def check_mute(logs: Logs) -> None:
    gone_us = logs.times_us(2, "DISCONNECTED")[0]
    print(f"  a central that says nothing is gone at {gone_us} us")
    demand("gone after 10 s", gone_us < 11_000_000)
    demand_gapless(logs.last(1, "STREAM"))


def check_forgetful(logs: Logs) -> None:
    demand("bonds in the window", len(logs.lines(2, "PAIRED")) == 1)
    refused_us = logs.times_us(3, "SECURITY level 1")
    demand("refused outside of it", bool(refused_us) and max(refused_us) < 90_300_000)
    demand("bonds after a double tap", len(logs.lines(3, "PAIRED")) == 1)
    demand_gapless(logs.last(3, "STREAM"))


def check_update(logs: Logs) -> None:
    refused = logs.last(1, "update before encryption")
    demand(f"refused: {refused}", ": 0x05" in refused)
    demand("answered", bool(logs.lines(1, "UPDATE answers")))


def check_asleep(logs: Logs) -> None:
    counts = logs.last(2, "COUNTS")
    demand(f"silent: {counts}", number_before(counts, " advertisements") == 0)
    connected_us = logs.times_us(1, "CONNECTED")
    print(f"  connected again at {connected_us[-1]} us")
    demand("connected again", len(connected_us) == 2 and connected_us[-1] < 341_000_000)
    demand_gapless(logs.last(1, "STREAM"))


@dataclass(frozen=True)
class Scenario:
    name: str
    seconds: int
    devices: tuple[Device, ...]
    check: Callable[[Logs], None]
    with_update: bool = False
    pod_flash: bytes = b""  # before the start; empty: blank


def pod(options: str = "") -> Device:
    return Device(True, options)


def central(options: str) -> Device:
    return Device(False, options)


def gapless(logs: Logs) -> None:
    demand_gapless(logs.last(1, "STREAM"))


SCENARIOS = (
    Scenario("session", 606, (pod(), central("-until=604")), check_session),
    Scenario("rate_416", 62, (pod(), central("-until=60 -rate=416 -batch=19")), gapless),
    Scenario("rate_52", 62, (pod(), central("-until=60 -rate=52 -batch=1")), gapless),
    # Connection events further apart than what a pod can keep.
    Scenario("narrow", 42, (pod(), central("-until=40 -interval=3000")), check_narrow),
    # The pod's battery falls out at 20 s, and is back at 23 s with the same flash.
    Scenario(
        "reboot",
        62,
        (pod("-end=20000000"), central("-until=60"), pod("-start_offset=23e6 -delay_init")),
        check_reboot,
    ),
    Scenario(
        "imu_silent_300_ms",
        62,
        (pod("-imu_silent_from=20000000 -imu_silent_until=20300000"), central("-until=60")),
        check_silence,
    ),
    Scenario(
        "imu_silent_5_s",
        62,
        (pod("-imu_silent_from=20000000 -imu_silent_until=25000000"), central("-until=60")),
        check_silence,
    ),
    # The hub is away from 75 s to 90 s, after the pairing window.
    Scenario(
        "stranger",
        122,
        (
            pod(),
            central("-until=120 -leave=75 -return=90"),
            central("-stranger -from=5 -until=119"),
        ),
        check_stranger,
    ),
    # A connection that takes 32 s to be given up; the next hub is there in the pairing window.
    Scenario(
        "lost_hub",
        82,
        (
            pod(),
            central("-interval=30 -timeout=32000 -end=20"),
            central("-from=45 -until=80"),
        ),
        check_lost_hub,
    ),
    Scenario(
        "zeroed_flash",
        22,
        (pod(), central("-until=20")),
        check_ruined_flash,
        pod_flash=bytes(FLASH_BYTES),
    ),
    Scenario(
        "random_flash",
        22,
        (pod(), central("-until=20")),
        check_ruined_flash,
        pod_flash=Random(1).randbytes(FLASH_BYTES),
    ),
    Scenario(
        "mute", 42, (pod(), central("-from=3 -until=40"), central("-mute -until=12")), check_mute
    ),
    # One hub three times, having forgotten its bond twice: in the pairing window, and after it
    # until a double tap at 90 s.
    Scenario(
        "forgetful",
        122,
        (
            pod("-tap=90000000"),
            central("-rs=4097 -until=10"),
            central("-rs=4097 -from=15 -until=30"),
            central("-rs=4097 -from=75 -until=120"),
        ),
        check_forgetful,
    ),
    # Needs a pod with the update service.
    Scenario("update", 32, (pod(), central("-until=30")), check_update, with_update=True),
    # No hub for five minutes from 20 s on; a knock at 330 s.
    Scenario(
        "asleep",
        372,
        (
            pod("-tap=330000000"),
            central("-until=370 -leave=20 -return=340"),
            central("-stranger -from=322 -until=329"),
        ),
        check_asleep,
    ),
)


@dataclass
class Bench:
    pod: Path
    pod_with_update: Path | None
    central: Path
    out: Path
    simulator: Path = field(default_factory=lambda: Path(os.environ["BSIM_OUT_PATH"]) / "bin")

    def run(self, scenario: Scenario) -> Logs:
        folder = self.out / scenario.name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        if scenario.pod_flash:
            (folder / "pod.bin").write_bytes(scenario.pod_flash)
        logs = [folder / f"{number}.log" for number in range(len(scenario.devices))]
        processes = [
            self.start(self.command(scenario, number, folder), log)
            for number, log in enumerate(logs)
        ]
        phy = [
            "./bs_2G4_phy_v1",
            f"-s={scenario.name}",
            f"-D={len(scenario.devices)}",
            f"-sim_length={scenario.seconds * 1_000_000}",
        ]
        processes.append(self.start(phy, folder / "phy.log"))
        try:
            ended = [process.wait(LONGEST_S) for process in processes]
        finally:
            for process in processes:
                process.kill()
        demand(f"all end well: {ended}, logs in {folder}", not any(ended))
        return Logs([log.read_text() for log in logs])

    def command(self, scenario: Scenario, number: int, folder: Path) -> list[str]:
        device = scenario.devices[number]
        flash = "pod" if device.is_pod else f"central_{number}"
        pod = self.pod_with_update if scenario.with_update else self.pod
        return [
            str(pod if device.is_pod else self.central),
            f"-s={scenario.name}",
            f"-d={number}",
            "-RealEncryption=1",
            f"-flash={folder / flash}.bin",
            *device.options.split(),
        ]

    def start(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                command, cwd=self.simulator, stdout=output, stderr=subprocess.STDOUT
            )


def run_all(bench: Bench, scenarios: Iterable[Scenario]) -> int:
    failures = 0
    for scenario in scenarios:
        print(f"{scenario.name}: {scenario.seconds} simulated seconds", flush=True)
        try:
            logs = bench.run(scenario)
            for device, what in enumerate(scenario.devices):
                for start in () if what.is_pod else ("STREAM", "TIMING"):
                    for line in logs.lines(device, start):
                        print(f"  {line}")
            scenario.check(logs)
        except Failure as failure:
            print(f"  FAILED: {failure}")
            failures += 1
    print("all passed" if failures == 0 else f"{failures} failed")
    return 1 if failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pod", type=Path, required=True)
    parser.add_argument("--pod-with-update", type=Path)
    parser.add_argument("--central", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/bsim"))
    parser.add_argument("scenario", nargs="*", help="all where none is named")
    arguments = parser.parse_args()
    with_update = arguments.pod_with_update
    bench = Bench(
        arguments.pod.resolve(),
        with_update.resolve() if with_update else None,
        arguments.central.resolve(),
        arguments.out.resolve(),
    )
    wanted = [
        scenario
        for scenario in SCENARIOS
        if (not arguments.scenario or scenario.name in arguments.scenario)
        and (with_update or not scenario.with_update)
    ]
    return run_all(bench, wanted)


if __name__ == "__main__":
    sys.exit(main())
