"""`python -m mock_bluez.bluez`: the mock of BlueZ, in a process of its own.

Bluezoo, with what it lacks. It obeys the tests by stdin, and ends with it.
"""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import suppress

import sdbus

from mock_bluez.bluez_device import Device
from mock_bluez.bluez_service import Bonds, Service
from mock_bluez.control import Handler, obey


class Controls:
    """What tests can ask of the mock."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def handlers(self) -> Mapping[str, Handler]:
        service = self._service
        return {
            "fail": service.faults.fail,
            "hang": service.faults.hang,
            "clear_faults": service.faults.clear,
            "set_mtu": lambda mtu: setattr(service, "mtu", mtu),
            "limit_links": lambda most: setattr(service, "most_links", most),
            "set_connect_patience": lambda s: setattr(service, "connect_patience_s", s),
            "deafen": self.deafen,
            "drop_link": self.drop_link,
            "silence_link": self.silence_link,
            "make_stale": service.make_stale,
            "add_adapter": service.add_adapter,
            "remove_adapter": service.remove_adapter,
            "advertising": self.advertising,
            "connected": self.connected,
            "pairable": self.pairable,
            "bonds": lambda: service.bonds.pairs,
        }

    def deafen(self, number: int) -> None:
        self._service.adapters[number].deaf = True

    def drop_link(self, address: str) -> None:
        for device in self._linked(address):
            device.cut()

    def silence_link(self, address: str, disconnect_hangs: bool) -> None:
        for device in self._linked(address):
            if device.link is not None:
                device.link.go_silent(disconnect_hangs)

    def _linked(self, address: str) -> list[Device]:
        linked = [d for d in self._service.devices_of(address) if d.link is not None]
        if not linked:
            raise ValueError(f"{address} is not connected")
        return linked

    def advertising(self) -> list[str]:
        return [r.address for r in self._service.radios if r.advertisement is not None]

    def pairable(self) -> list[str]:
        return [r.address for r in self._service.radios if r.pairing_allowed]

    def connected(self) -> list[str]:
        return [r.address for r in self._service.radios if r.link is not None]


async def _run(options: Namespace) -> None:
    bus = sdbus.sd_bus_open_system()
    sdbus.set_default_bus(bus)
    bonds = Bonds((central, pod) for central, pod in json.loads(options.bonds))
    service = Service(bus, options.scan_tick, bonds)
    for number, address in enumerate(options.central):
        service.add_adapter(number, address)
    await bus.request_name_async("org.bluez", 0)
    await obey(Controls(service).handlers)
    await service.take_leave()


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--central", action="append", default=[], help="an adapter's address")
    parser.add_argument("--bonds", default="[]", help="JSON: pairs of a central's and a pod's")
    parser.add_argument("--scan-tick", type=float, default=0.2, help="s, between adverts")
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
