"""A virtual pod on the mock's air: a BlueZ peripheral on a bus connection of its own."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from dbus_fast import DBusError

from mock_bluez.gatt_app import AttError, Calls
from mock_bluez.mischief import Mischief
from mock_bluez.pod_session import RadioGoneError, Session
from stridehub.kernel.link import Attribute, LinkResult, PodState
from virtual_pod.crystal import Crystal
from virtual_pod.drive import Body, DrivenPod
from virtual_pod.pod import ReadRefusedError, VirtualPod

_RETRY_S = 0.05
_WRAP_US = 2**32
_BATTERY_MV = 3900


class Clock:
    """True time, from the clock's making on."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._begun_s = asyncio.get_running_loop().time()

    @property
    def now_s(self) -> float:
        return (asyncio.get_running_loop().time() - self._begun_s) * self.speed

    def skip(self, seconds: float) -> None:
        """All at once."""
        self._begun_s -= seconds / self.speed


@dataclass(slots=True)
class Stream:
    """Since the last start."""

    sent: int = 0
    full: int = 0  # times the socket had no room
    last: bytes = b""
    waiting: bytes | None = None  # taken from the pod, no room yet


class PodApp:
    """Comes on the air as soon as there is one, again and again."""

    def __init__(
        self, body: Body, number: int, address: str, bonds: set[str], clock: Clock
    ) -> None:
        """The pod is number `number` of the body, whose pods have one clock.

        `bonds` are the addresses of centrals.
        """
        self.address = address
        self.address_type = "random"
        self.bonds = bonds
        self.mischief = Mischief()
        self.stream = Stream()
        self._body = body
        self._driven: DrivenPod = body.pods[number]
        self._clock = clock
        self._answering = asyncio.Event()
        self._answering.set()
        self._session: Session | None = None
        self._life: asyncio.Task[None] | None = None

    @property
    def pod(self) -> VirtualPod:
        return self._driven.pod

    @property
    def name(self) -> str:
        return self.pod.config().name or f"pod-{self.address[-5:].replace(':', '')}"

    @property
    def is_on(self) -> bool:
        return self._life is not None

    @property
    def now_s(self) -> float:
        return self._clock.now_s

    @property
    def speed(self) -> float:
        """True time over the event loop's."""
        return self._clock.speed

    def present(self) -> VirtualPod:
        """The pod, brought to the present."""
        self._live_until(self.now_s)
        return self.pod

    def _live_until(self, true_s: float) -> None:
        """Without the other pods of the body, which come by themselves."""
        while self._body.feel_ahead(true_s):
            pass
        self._driven.run_until(true_s)

    # ---- power ----

    def switch_on(self) -> None:
        if self._life is None:
            self._life = asyncio.create_task(self._live())

    async def switch_off(self) -> None:
        """Without a word: the bus connection breaks."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life
            self.present().disconnect()

    def boot(self, wiped: bool) -> None:
        """A new clock, at 0, and what is in flash: nothing, where it is wiped."""
        now_s = self.now_s
        self._live_until(now_s)
        start_us = _WRAP_US - round(now_s * 1e6) % _WRAP_US
        crystal = Crystal(self.pod.crystal.skew_ppm, start_us)
        if wiped:
            self.bonds.clear()
        if wiped or self.pod.config().placement is None:
            self._driven.pod = VirtualPod(crystal=crystal)
        else:
            self._driven.pod = _successor(self.pod, crystal)
        self.pod.boot(self.pod.crystal.pod_us(now_s), power_on=True)
        self.pod.set_battery(_BATTERY_MV)
        self.stream = Stream()

    async def _live(self) -> None:
        while True:
            try:
                self._session = await Session.open(self)
                await self._session.run()
            except (RadioGoneError, DBusError, OSError, EOFError):
                pass
            finally:
                if self._session is not None:
                    self._session.close()
                    self._session = None
            self.present().disconnect()
            await asyncio.sleep(_RETRY_S)

    # ---- what tests do to it ----

    def hang(self, hung: bool) -> None:
        """It answers nothing and sends nothing."""
        self.present().hang(hung)
        if hung:
            self._answering.clear()
        else:
            self._answering.set()

    @property
    def is_hung(self) -> bool:
        return not self._answering.is_set()

    async def hang_up(self) -> None:
        if self._session is not None:
            await self._session.hang_up()

    # ---- what its session asks ----

    def calls(self) -> Calls:
        return Calls(self._read, self._write, self._subscribed, self._answering)

    def _read(self, attribute: Attribute) -> bytes:
        try:
            return self.mischief.told(self.present().read(attribute))
        except ReadRefusedError as refusal:
            raise AttError(refusal.result) from refusal

    def _write(self, attribute: Attribute, record: bytes, is_request: bool) -> None:
        was_streaming = self._is_streaming()
        result = self.present().write(attribute, record)
        if self._is_streaming() and not was_streaming:
            self.stream = Stream()
        if is_request and result != LinkResult.OK:
            raise AttError(result)

    def _is_streaming(self) -> bool:
        return self.pod.status().state == PodState.STREAMING

    def _subscribed(self, attribute: Attribute, subscribed: bool) -> None:
        if attribute == Attribute.SAMPLES:
            self.present().subscribe(subscribed=subscribed)


def _successor(pod: VirtualPod, crystal: Crystal) -> VirtualPod:
    """With the same settings."""
    info, config = pod.info(), pod.config()
    return VirtualPod(
        config.placement,
        name=config.name,
        runner=config.runner,
        rate_hz=info.rate_mhz // 1000,
        batch=info.batch,
        crystal=crystal,
    )
