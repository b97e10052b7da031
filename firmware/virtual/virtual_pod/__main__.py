"""`python -m virtual_pod udp`: pods on a socket. `python -m virtual_pod ble`: one on the air."""

import argparse
import asyncio
import logging
import math
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stridehub.errors import LinkRecordError, UnknownPlacementError
from stridehub.kernel import link
from stridehub.model import Placement
from stridehub.sim.runner import SyntheticRunner
from stridehub.synthetic import STYLES
from virtual_pod.crystal import Crystal
from virtual_pod.drive import Body, DrivenPod, runner_motion, team
from virtual_pod.pod import VirtualPod
from virtual_pod.udp import UdpPods

if TYPE_CHECKING:  # Bumble is not needed for pods on a socket
    from bumble.transport.common import Transport, TransportSink, TransportSource

_MOST_PODS = 0x10000  # that frames can number
_MOST_MV = 0xFFFE


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(_on_udp(chosen) if chosen.link == "udp" else _on_the_air(chosen))
        except OSError as error:
            sys.exit(f"virtual_pod: {str(error) or type(error).__name__}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m virtual_pod", description=__doc__)
    links = parser.add_subparsers(dest="link", required=True)
    udp = links.add_parser("udp", help="many pods on one UDP socket of this machine")
    udp.add_argument("--pods", type=_pods, default=5)
    udp.add_argument("--port", type=_port, default=0, help="0: any free one")
    udp.add_argument("--speed", type=_speed, default=1.0, help="0: as fast as hubs take it")
    ble = links.add_parser("ble", help="one pod as a Bluetooth LE peripheral")
    ble.add_argument("transport", help="a Bumble transport, such as hci-socket:0 or usb:0")
    ble.add_argument(
        "--placement", type=_place, help="such as shank_l; without one it has to be configured"
    )
    ble.add_argument(
        "--worn-at", type=_place, default="shank_l", help="the place whose motion it feels"
    )
    ble.add_argument("--name", type=_name, default="")
    ble.add_argument("--battery-mv", type=_battery_mv, default=3900)
    ble.add_argument("--address", type=_address, help="random static")
    ble.add_argument("--bonds", type=Path, help="a JSON file that keeps them")
    for way in (udp, ble):
        way.add_argument("--seconds", type=_seconds, default=math.inf)
        way.add_argument("--seed", type=_seed, default=0)
    return parser


async def _on_udp(chosen: argparse.Namespace) -> None:
    pods = UdpPods(team(chosen.pods, chosen.seed), chosen.speed)
    host, port = await pods.open(chosen.port)
    print(f"{chosen.pods} pods on {host}:{port}", flush=True)
    try:
        await pods.run(chosen.seconds)
    finally:
        pods.close()


async def _on_the_air(chosen: argparse.Namespace) -> None:
    """Raises OSError, also for what Bumble complains of."""
    from bumble.core import BaseBumbleError

    logging.getLogger("bumble").addHandler(logging.NullHandler())  # what ends the pod is told once
    body = _worn(chosen)
    try:
        async with await _opened(chosen.transport) as (source, sink):
            await _advertise(chosen, body, source, sink)
    except BaseBumbleError as error:
        raise OSError(str(error) or type(error).__name__) from error


async def _opened(name: str) -> "Transport":
    from bumble.transport import open_transport

    try:
        return await open_transport(name)
    except ValueError as error:
        raise OSError(f"no transport {name!r}: {error}") from error


async def _advertise(
    chosen: argparse.Namespace, body: Body, source: "TransportSource", sink: "TransportSink"
) -> None:
    from bumble.host import Host
    from bumble.keys import JsonKeyStore

    from virtual_pod.ble import DEFAULT_ADDRESS, BlePod

    address = chosen.address or DEFAULT_ADDRESS
    bonds = JsonKeyStore(address, str(chosen.bonds)) if chosen.bonds else None
    pod = BlePod(Host(source, sink), body, address, bonds)
    await pod.start()
    print(f"advertising as {address}", flush=True)
    seconds = None if chosen.seconds == math.inf else chosen.seconds
    await pod.run(seconds, source.terminated)
    await pod.stop()


def _worn(chosen: argparse.Namespace) -> Body:
    place: Placement = chosen.worn_at
    pod = VirtualPod(chosen.placement, name=chosen.name, crystal=Crystal(12.0, 1_000_000))
    pod.set_battery(chosen.battery_mv)
    motion = runner_motion(SyntheticRunner(STYLES[0].knobs(), [place], chosen.seed))
    return Body(motion, [DrivenPod(pod, place, imu_rate_error_ratio=0.01)])


# ---- values of arguments: argparse tells what is wrong with one ----


def _whole(text: str, least: int, most: float = math.inf) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text} is not in {least}..{most}")
    return number


def _pods(text: str) -> int:
    return _whole(text, 1, _MOST_PODS)


def _port(text: str) -> int:
    return _whole(text, 0, 0xFFFF)


def _seed(text: str) -> int:
    return _whole(text, 0)


def _battery_mv(text: str) -> int:
    return _whole(text, 0, _MOST_MV)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error


def _speed(text: str) -> float:
    speed = _number(text)
    if not 0.0 <= speed < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number from 0")
    return speed


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not seconds > 0.0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return seconds


def _place(text: str) -> Placement:
    try:
        return Placement.from_label(text)
    except UnknownPlacementError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _name(text: str) -> str:
    try:
        link.encode_config(link.PodConfig(None, text, ""))
    except LinkRecordError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _address(text: str) -> str:
    if not re.fullmatch("[C-Fc-f][0-9A-Fa-f](:[0-9A-Fa-f]{2}){5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no random static address")
    return text


if __name__ == "__main__":
    main()
