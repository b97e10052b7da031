"""`python -m virtual_pod udp`: pods on a socket. `python -m virtual_pod ble`: one on the air."""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stridehub.model import Placement
from stridehub.sim.runner import SyntheticRunner
from stridehub.synthetic import STYLES
from virtual_pod.crystal import Crystal
from virtual_pod.drive import Body, DrivenPod, runner_motion, team
from virtual_pod.pod import VirtualPod
from virtual_pod.udp import UdpPods


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    with suppress(KeyboardInterrupt):
        asyncio.run(_on_udp(chosen) if chosen.link == "udp" else _on_the_air(chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m virtual_pod", description=__doc__)
    links = parser.add_subparsers(dest="link", required=True)
    udp = links.add_parser("udp", help="many pods on one UDP socket of this machine")
    udp.add_argument("--pods", type=int, default=5)
    udp.add_argument("--port", type=int, default=0, help="0: any free one")
    udp.add_argument("--speed", type=float, default=1.0, help="0: as fast as hubs take it")
    ble = links.add_parser("ble", help="one pod as a Bluetooth LE peripheral")
    ble.add_argument("transport", help="a Bumble transport, such as hci-socket:0 or usb:0")
    ble.add_argument("--placement", help="such as shank_l; without one it has to be configured")
    ble.add_argument("--worn-at", default="shank_l", help="the place whose motion it feels")
    ble.add_argument("--name", default="")
    ble.add_argument("--battery-mv", type=int, default=3900)
    ble.add_argument("--address", help="random static")
    ble.add_argument("--bonds", type=Path, help="a JSON file that keeps them")
    for link in (udp, ble):
        link.add_argument("--seconds", type=float, default=float("inf"))
        link.add_argument("--seed", type=int, default=0)
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
    from bumble.host import Host
    from bumble.keys import JsonKeyStore
    from bumble.transport import open_transport

    from virtual_pod.ble import DEFAULT_ADDRESS, BlePod

    address = chosen.address or DEFAULT_ADDRESS
    bonds = JsonKeyStore(address, str(chosen.bonds)) if chosen.bonds else None
    async with await open_transport(chosen.transport) as (source, sink):
        pod = BlePod(Host(source, sink), _worn(chosen), address, bonds)
        await pod.start()
        print(f"advertising as {address}", flush=True)
        await pod.run(None if chosen.seconds == float("inf") else chosen.seconds)
        await pod.stop()


def _worn(chosen: argparse.Namespace) -> Body:
    place = Placement.from_label(chosen.worn_at)
    placement = Placement.from_label(chosen.placement) if chosen.placement else None
    pod = VirtualPod(placement, name=chosen.name, crystal=Crystal(12.0, 1_000_000))
    pod.set_battery(chosen.battery_mv)
    motion = runner_motion(SyntheticRunner(STYLES[0].knobs(), [place], chosen.seed))
    return Body(motion, [DrivenPod(pod, place, imu_rate_error_ratio=0.01)])


if __name__ == "__main__":
    main()
