"""A virtual pod whose battery can be taken out: what flash holds survives."""

from typing import Any

from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.transport.common import AsyncPipeSink

from stridehub.kernel.link import PodConfig
from stridehub.model import Placement
from stridehub.synthetic import PODS
from virtual_pod.ble import BlePod
from virtual_pod.crystal import Crystal
from virtual_pod.drive import Body, DrivenPod
from virtual_pod.pod import DEFAULT_BATCH, DEFAULT_RATE_HZ, ReadRefusedError, VirtualPod
from vm.air import Air, PodPart
from vm.motion import LoopingRunner

_ADDRESS = "F0:D6:16:00:{:02X}:{:02X}"
_BATTERY_MV = 3900
_TICK_S = 0.008  # for each pod: a tick takes an emulated machine up to 4 ms
_LEAST_TICK_S = 0.03  # a packet of eight samples takes longer


class _CountingPod(VirtualPod):
    """Knows what it has handed to the radio."""

    packets_sent = 0

    def take_packet(self) -> bytes | None:
        packet = super().take_packet()
        self.packets_sent += packet is not None
        return packet


class PodOnAir:
    """Off until it is switched on."""

    def __init__(
        self, air: Air, number: int, place: Placement, runner: LoopingRunner, tick_s: float
    ) -> None:
        """`runner` wears it at `place`."""
        self.address = _ADDRESS.format(number >> 8, number & 0xFF)
        self._air = air
        self._number = number
        self._place = place
        self._runner = runner
        self._tick_s = tick_s
        self._bonds = MemoryKeyStore()
        self._config = PodConfig(place, f"{place.label}-{number}", runner.name)
        self._rate_hz, self._batch = DEFAULT_RATE_HZ, DEFAULT_BATCH
        self._battery_mv = _BATTERY_MV
        self._sent_before = 0
        self._boots = 0
        self._pod: _CountingPod | None = None
        self._ble: BlePod | None = None
        self._part: PodPart | None = None

    # ---- power ----

    async def on(self) -> None:
        await self._boot(power_on=True)

    async def reset(self) -> None:
        await self.off()
        await self._boot(power_on=False)

    async def forget(self) -> None:
        await self.off()
        await self._bonds.delete_all()
        await self.on()

    async def off(self) -> None:
        """Without a word to the hub."""
        ble, self._ble = self._ble, None
        if ble is None or self._pod is None or self._part is None:
            return
        self._air.vanish(self._part)
        await ble.stop()
        self._part.switch_off()
        self._keep(self._pod)
        self._pod = self._part = None

    async def _boot(self, *, power_on: bool) -> None:
        if self._ble is not None:
            return
        self._boots += 1
        self._pod = self._booted(power_on)
        driven = DrivenPod(self._pod, self._place, imu_rate_error_ratio=0.01)
        body = Body(self._runner.motion(), [driven])
        self._part = PodPart(f"pod {self._number}", link=self._air)
        host = Host(self._part, AsyncPipeSink(self._part))
        self._ble = BlePod(host, body, self.address, self._bonds, tick_s=self._tick_s)
        await self._ble.start()

    def _booted(self, power_on: bool) -> _CountingPod:
        pod = _CountingPod(
            self._config.placement,
            name=self._config.name,
            runner=self._config.runner,
            rate_hz=self._rate_hz,
            batch=self._batch,
            crystal=Crystal(skew_ppm=5.0 * self._number),
            power_on=power_on,
        )
        pod.set_battery(self._battery_mv)
        return pod

    def _keep(self, pod: _CountingPod) -> None:
        """What is in flash."""
        self._sent_before += pod.packets_sent
        self._config = pod.config()
        try:
            info = pod.info()
        except ReadRefusedError:  # it has no place yet
            return
        self._rate_hz = info.rate_mhz // 1000
        self._batch = info.batch

    # ---- what happens to it ----

    async def drop(self) -> None:
        if self._part is not None:
            self._air.lose_links(self._part)

    async def silence(self) -> None:
        self._silence(True)

    async def speak(self) -> None:
        self._silence(False)

    def _silence(self, silent: bool) -> None:
        if self._part is not None:
            self._part.silent = silent

    async def deafen(self) -> None:
        self._deafen(True)

    async def hear(self) -> None:
        self._deafen(False)

    def _deafen(self, deaf: bool) -> None:
        if self._part is not None:
            self._part.deaf = deaf

    async def tap(self) -> None:
        if self._pod is not None:
            self._pod.tap()

    def battery(self, battery_mv: int) -> None:
        self._battery_mv = battery_mv
        if self._pod is not None:
            self._pod.set_battery(battery_mv)

    # ---- what it is like ----

    def stats(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "address": self.address,
            "place": self._place.label,
            "on": self._ble is not None,
            "boots": self._boots,
            "packets_sent": self._sent_before,
            "bonds": sorted(self._bonds.all_keys),
        }
        if self._pod is not None and self._part is not None:
            status = self._pod.status()
            told["packets_sent"] += self._pod.packets_sent
            told |= {
                "state": status.state.name,
                "conditions": [condition.name for condition in status.conditions],
                "packets_dropped": status.packets_dropped,
                "writes_refused": status.writes_refused,
                "links": len(self._part.le_connections),
                "motor_percent": self._pod.motor.percent,
            }
        return told


def pods_of(air: Air, count: int) -> dict[int, PodOnAir]:
    """Five to a runner, by number from 1."""
    tick_s = max(_LEAST_TICK_S, _TICK_S * count)
    runners = [LoopingRunner(number) for number in range(-(-count // len(PODS)))]
    pods = {}
    for index in range(count):
        runner, place = divmod(index, len(PODS))
        pods[index + 1] = PodOnAir(air, index + 1, PODS[place], runners[runner], tick_s)
    return pods
