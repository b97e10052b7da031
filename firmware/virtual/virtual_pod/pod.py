"""One pod, driven by hand: what comes from radio, IMU, battery and fingers goes in.

Every call that takes `now_us` first lets the pod live until then: ticks, pulses of the motor and
reads of the FIFO happen, each at its time. Times are microseconds of the pod's own clock
(`Crystal`); they never run backwards, and None is the time the pod has come to.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, Charging, LinkResult, Opcode
from stridehub.model import Placement, PodInfo
from virtual_pod.core import ffi, lib
from virtual_pod.crystal import Crystal

ACC_NM_S2_PER_LSB = 4785645  # LSM6DSx at 16 g: 0.488 mg
GYR_NRAD_S_PER_LSB = 1221730  # at 2000 dps: 70 mdps
FIRMWARE: int = lib.front_firmware()  # major << 8 | minor
DEFAULT_RATE_HZ = 208
DEFAULT_BATCH = 8
USUAL_MTU = 247
_LEAST_MTU, _MOST_MTU = 23, 0xFFFF

WRITABLE = frozenset({Attribute.CONTROL, Attribute.HAPTIC, Attribute.CONFIG, Attribute.TIME})
READABLE = frozenset({Attribute.INFO, Attribute.CONFIG, Attribute.STATUS})
_LONGEST = 512
_NEVER = 2**64 - 1
_LAST_US = 2**63 - 1  # that pods live to see
_MOST_EDGES = 1024


class Fifo(IntEnum):
    """What the IMU's FIFO holds."""

    PLAIN = 0  # LSM6DSL, LSM6DS3TR-C
    TAGGED = 1  # LSM6DSO and later


class ImuHealth(IntEnum):
    WELL = lib.FRONT_IMU_WELL
    SILENT = lib.FRONT_IMU_SILENT  # answers, and samples nothing
    DEAD = lib.FRONT_IMU_DEAD  # does not answer


class Radio(IntEnum):
    """How the pod wants to advertise; the values are the core's."""

    OFF = 0
    FAST = 1
    SLOW = 2


class Light(IntEnum):
    """What the pod wants to show; the values are the core's."""

    OFF = 0
    PAIRING = 1
    IDENTIFY = 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the hardware should be doing. IMU and motor obey by themselves."""

    radio: Radio
    light: Light
    imu_streams: bool
    imu_rate_hz: int
    imu_watermark: int  # samples
    imu_resets: int  # since boot
    pairing: bool  # a stranger may bond
    disconnect: bool  # the central has to go
    sleep: bool
    sleep_to_end: bool  # only the charger wakes


@dataclass(frozen=True, slots=True)
class MotorEdge:
    at_us: int
    percent: int  # 0: off
    by_timer: bool  # the firmware was late, and the hardware's timer switched it off


@dataclass(frozen=True, slots=True)
class Motor:
    percent: int  # 0: off
    off_at_us: int | None  # when the hardware's timer switches it off by itself; None: not armed


class ReadRefusedError(Exception):
    """A read that the pod answers with an ATT error."""

    def __init__(self, attribute: Attribute, result: LinkResult) -> None:
        super().__init__(f"{attribute.name.lower()} is not read: {result.label}")
        self.attribute = attribute
        self.result = result


class VirtualPod:
    """The firmware's core, with an IMU, a motor and flash played in memory."""

    def __init__(
        self,
        placement: Placement | None = None,
        *,
        name: str = "",
        runner: str = "",
        rate_hz: int = DEFAULT_RATE_HZ,
        batch: int = DEFAULT_BATCH,
        crystal: Crystal | None = None,
        fifo: Fifo = Fifo.TAGGED,
        power_on: bool = True,
    ) -> None:
        """Boots at true time 0 with these settings in flash; empty flash without a placement.

        Raises LinkRecordError, and ValueError, for settings that no pod keeps.
        """
        self.crystal = crystal or Crystal()
        pod = lib.front_new(ACC_NM_S2_PER_LSB, GYR_NRAD_S_PER_LSB, bool(fifo))
        if not pod:
            raise MemoryError
        self._pod = ffi.gc(pod, lib.front_free)
        self._faults = lib.front_faults_of(self._pod)
        self._bytes = ffi.new("uint8_t[]", _LONGEST)
        if placement is not None:
            self._keep(link.PodConfig(placement, name, runner), rate_hz, batch)
        self.boot(self.crystal.pod_us(0.0), power_on=power_on)

    def _keep(self, config: link.PodConfig, rate_hz: int, batch: int) -> None:
        record = link.encode_config(config)
        if not lib.front_keep(self._pod, record, len(record), rate_hz, batch):
            raise ValueError(f"no pod keeps {rate_hz} Hz and {batch} samples a packet")

    # ---- power and time ----

    def boot(self, now_us: int | None = None, *, power_on: bool = False) -> None:
        """Starts the firmware anew with what is in flash; `power_on` opens the pairing window."""
        lib.front_boot(self._pod, power_on, self.now_us if now_us is None else now_us)

    @property
    def now_us(self) -> int:
        """The time the pod has come to."""
        return int(lib.front_now_us(self._pod))

    @property
    def next_us(self) -> int | None:
        """When something is due of itself; None: nothing is."""
        due = int(lib.front_next_us(self._pod))
        return None if due == _NEVER else due

    def run_until(self, now_us: int) -> None:
        """Lets the pod live."""
        lib.front_run(self._pod, self._at(now_us))

    def wait(self, seconds: float) -> None:
        """Lets the pod live for so many seconds of its own clock."""
        self.run_until(self.now_us + round(seconds * 1e6))

    @property
    def wishes(self) -> Wishes:
        raw = lib.front_wish(self._pod)
        return Wishes(
            radio=Radio(raw.radio),
            light=Light(raw.light),
            imu_streams=bool(raw.imu),
            imu_rate_hz=raw.imu_rate_hz,
            imu_watermark=raw.imu_watermark,
            imu_resets=raw.imu_resets,
            pairing=raw.pairing,
            disconnect=raw.disconnect,
            sleep=raw.sleep,
            sleep_to_end=raw.sleep_to_end,
        )

    # ---- the radio ----

    def connect(self, now_us: int | None = None) -> None:
        """A central connects; the MTU is 23, nothing is encrypted, nothing subscribed."""
        lib.front_connected(self._pod, self._at(now_us))

    def further_central(self) -> None:
        """Another one connects while one is there."""
        lib.front_further_central(self._pod)

    def encrypt(self, now_us: int | None = None) -> None:
        """The link is encrypted with a bonded key."""
        lib.front_encrypted(self._pod, self._at(now_us))

    def set_mtu(self, mtu: int) -> None:
        """Raises ValueError for what no link has."""
        if not _LEAST_MTU <= mtu <= _MOST_MTU:
            raise ValueError(f"no link has an MTU of {mtu}")
        lib.front_mtu(self._pod, mtu)

    def set_bonded(self, bonded: bool = True) -> None:
        """Whether the radio knows a hub."""
        lib.front_bonded(self._pod, bonded)

    def subscribe(self, now_us: int | None = None, *, subscribed: bool = True) -> None:
        """To samples."""
        lib.front_subscribed(self._pod, subscribed, self._at(now_us))

    def disconnect(self, now_us: int | None = None) -> None:
        lib.front_disconnected(self._pod, self._at(now_us))

    def connect_hub(self, now_us: int | None = None, mtu: int = USUAL_MTU) -> None:
        """All that a bonded hub does before it asks for samples."""
        self.connect(now_us)
        self.set_bonded()
        self.encrypt()
        self.set_mtu(mtu)
        self.subscribe()

    # ---- attributes ----

    def write(self, attribute: Attribute, record: bytes, now_us: int | None = None) -> LinkResult:
        """The pod's answer to any bytes. Raises ValueError for an attribute nobody writes."""
        if attribute not in WRITABLE:
            raise ValueError(f"{attribute.name.lower()} is not written")
        at_us = self._at(now_us)
        return LinkResult(lib.front_write(self._pod, attribute, bytes(record), len(record), at_us))

    def control(self, opcode: Opcode, argument: int = 0, now_us: int | None = None) -> LinkResult:
        return self.write(
            Attribute.CONTROL, link.encode_control(link.Control(opcode, argument)), now_us
        )

    def start(self, now_us: int | None = None) -> LinkResult:
        """Of the stream."""
        return self.control(Opcode.START, now_us=now_us)

    def stop(self, now_us: int | None = None) -> LinkResult:
        return self.control(Opcode.STOP, now_us=now_us)

    def buzz(self, pattern: link.HapticPattern, now_us: int | None = None) -> LinkResult:
        return self.write(Attribute.HAPTIC, link.encode_haptic(pattern), now_us)

    def configure(self, config: link.PodConfig, now_us: int | None = None) -> LinkResult:
        return self.write(Attribute.CONFIG, link.encode_config(config), now_us)

    def read(self, attribute: Attribute, now_us: int | None = None) -> bytes:
        """Raises ReadRefusedError, ValueError for an attribute nobody reads."""
        if attribute not in READABLE:
            raise ValueError(f"{attribute.name.lower()} is not read")
        length = ffi.new("size_t *")
        at_us = self._at(now_us)
        result = lib.front_read(self._pod, attribute, at_us, self._bytes, _LONGEST, length)
        if result != LinkResult.OK:
            raise ReadRefusedError(attribute, LinkResult(result))
        return self._taken(length[0])

    def info(self) -> PodInfo:
        """Raises ReadRefusedError before the pod has a placement."""
        return wire.decode_info(self.read(Attribute.INFO))

    def config(self) -> link.PodConfig:
        return link.decode_config(self.read(Attribute.CONFIG))

    def status(self, now_us: int | None = None) -> link.PodLinkStatus:
        return link.decode_status(self.read(Attribute.STATUS, now_us))

    def read_advertisement(self) -> bytes:
        return self._taken(lib.front_read_advertisement(self._pod, self._bytes, _LONGEST))

    def advertisement(self) -> link.Advertisement:
        return link.decode_advertisement(self.read_advertisement())

    def battery_percent(self) -> int | None:
        """For the standard Battery service; None until the battery was measured."""
        percent = ffi.new("uint8_t *")
        result = LinkResult(lib.front_read_battery_percent(self._pod, percent))
        return int(percent[0]) if result == LinkResult.OK else None

    def take_packet(self) -> bytes | None:
        """The oldest packet that waits for the radio."""
        return self._taken(lib.front_take_packet(self._pod, self._bytes, _LONGEST)) or None

    def take_packets(self, most: int | None = None) -> list[bytes]:
        """The oldest ones that wait, all of them unless `most` is given."""
        packets: list[bytes] = []
        while (most is None or len(packets) < most) and (packet := self.take_packet()) is not None:
            packets.append(packet)
        return packets

    def take_time_reply(self, now_us: int | None = None) -> bytes | None:
        """Stamped as it is taken; None where no time request waits for an answer."""
        at_us = self._at(now_us)
        return (
            self._taken(lib.front_take_time_reply(self._pod, at_us, self._bytes, _LONGEST)) or None
        )

    def _taken(self, length: int) -> bytes:
        return bytes(ffi.buffer(self._bytes, length))

    # ---- the IMU ----

    def feed(self, samples: NDArray[np.int16], times_us: NDArray[np.uint64]) -> None:
        """The IMU samples, the pod lives until the last one, and reads the FIFO in between.

        `samples` is (n, 6): accelerometer x, y, z and gyroscope x, y, z in the pod's LSB, taken
        at `times_us`, in order. They go nowhere unless the core wants the IMU to stream. Raises
        ValueError for other shapes and values, and for times before the pod's own.
        """
        values = _whole_numbers(samples, np.int16)
        times = _whole_numbers(times_us, np.uint64)
        if values.shape != (len(times), 6):
            raise ValueError(f"samples {values.shape} at {len(times)} times")
        if len(times) == 0:
            return
        self._at(int(times[0]))
        self._at(int(times[-1]))
        if np.any(times[1:] < times[:-1]):
            raise ValueError("times run backwards")
        lib.front_feed(
            self._pod, _pointer("int16_t", values), _pointer("uint64_t", times), len(times)
        )

    def break_imu(self, health: ImuHealth, *, heals_at_reset: bool = False) -> None:
        """From now on; ImuHealth.WELL heals it."""
        self._faults.imu = int(health)
        self._faults.imu_heals_at_reset = heals_at_reset

    def overflow_fifo(self, now_us: int | None = None) -> None:
        """What is in the FIFO is lost."""
        lib.front_overflow(self._pod, self._at(now_us))

    def set_read_delay_us(self, delay_us: int) -> None:
        """From the FIFO's watermark to its read."""
        self._faults.read_delay_us = delay_us

    # ---- the rest of the hardware ----

    def hang(self, hung: bool = True) -> None:
        """The firmware does nothing as time passes; the IMU and the motor's timer go on."""
        self._faults.hung = hung

    def fill_flash(self, full: bool = True) -> None:
        """No setting is kept any more."""
        self._faults.flash_full = full

    def tap(self, now_us: int | None = None) -> None:
        """Double tap or button: opens the pairing window, wakes."""
        lib.front_tapped(self._pod, self._at(now_us))

    def move(self, now_us: int | None = None) -> None:
        """The IMU in low power sees movement; samples fed to it do the same."""
        lib.front_moved(self._pod, self._at(now_us))

    def set_battery(
        self,
        battery_mv: int | None,
        charging: Charging | None = Charging.DISCHARGING,
        now_us: int | None = None,
    ) -> None:
        """The cell is measured; None: in vain."""
        value = lib.FRONT_UNKNOWN_MV if battery_mv is None else battery_mv
        lib.front_battery(self._pod, value, charging or 0, self._at(now_us))

    @property
    def motor(self) -> Motor:
        raw = lib.front_motor_of(self._pod)
        return Motor(raw.percent, int(raw.off_at_us) if raw.armed else None)

    def take_motor_edges(self) -> list[MotorEdge]:
        """Every change of the motor since the last call, at most 1024."""
        edges = ffi.new("front_motor_edge[]", _MOST_EDGES)
        count = lib.front_take_edges(self._pod, edges, _MOST_EDGES)
        return [MotorEdge(edge.at_us, edge.percent, edge.by_timer) for edge in edges[0:count]]

    def _at(self, now_us: int | None) -> int:
        """Raises ValueError for a time that has passed, or that never comes."""
        if now_us is None:
            return self.now_us
        if now_us < self.now_us:
            raise ValueError(f"time runs backwards: {now_us} us at {self.now_us} us")
        if now_us > _LAST_US:
            raise ValueError(f"no pod lives to see {now_us} us")
        return now_us


def _whole_numbers(values: NDArray[Any], kind: type[Any]) -> NDArray[Any]:
    """As the core takes them. Raises ValueError for what this kind does not hold."""
    given = np.asarray(values)
    limits = np.iinfo(kind)
    if given.dtype != kind and not np.all((given >= limits.min) & (given < limits.max + 1)):
        raise ValueError(f"not all from {limits.min} to {limits.max}")
    return np.ascontiguousarray(given, dtype=kind)


def _pointer(kind: str, values: NDArray[Any]) -> Any:
    return ffi.cast(f"{kind} *", ffi.from_buffer(values))
