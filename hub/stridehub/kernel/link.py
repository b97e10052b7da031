"""What hub and pod say to each other besides samples, by the C codec the pods themselves run.

Layouts and ranges are documented in native/include/pod_link.h, who sends what and when in
firmware/PROTOCOL.md. Every decoder raises LinkRecordError for anything that is not exactly one
valid record of its kind, every encoder where a field is out of range.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

from stridehub.errors import LinkRecordError
from stridehub.kernel._native import ffi, lib
from stridehub.kernel.wire import Bytes
from stridehub.model import Placement

MAX_NAME_BYTES: int = lib.POD_LINK_MAX_NAME_BYTES
MAX_RUNNER_BYTES: int = lib.POD_LINK_MAX_RUNNER_BYTES

_UNKNOWN_RATE_MHZ = 2**32 - 1
_UUID = "d616{:04x}-280d-4356-823c-79f7f367e798"


class Attribute(IntEnum):
    """The pod's service and its characteristics."""

    SERVICE = lib.POD_LINK_SERVICE
    INFO = lib.POD_LINK_INFO
    SAMPLES = lib.POD_LINK_SAMPLES
    CONTROL = lib.POD_LINK_CONTROL
    HAPTIC = lib.POD_LINK_HAPTIC
    CONFIG = lib.POD_LINK_CONFIG
    TIME = lib.POD_LINK_TIME
    STATUS = lib.POD_LINK_STATUS

    @property
    def uuid(self) -> str:
        """In lower case, with hyphens."""
        return _UUID.format(self.value)


class LinkResult(IntEnum):
    """OK, or the ATT error with which a pod answers a write or a read."""

    OK = lib.POD_LINK_OK
    NOT_ENCRYPTED = lib.POD_LINK_NOT_ENCRYPTED
    BAD_VERSION = lib.POD_LINK_BAD_VERSION
    BAD_TYPE = lib.POD_LINK_BAD_TYPE
    BAD_LENGTH = lib.POD_LINK_BAD_LENGTH
    BAD_OPCODE = lib.POD_LINK_BAD_OPCODE
    OUT_OF_RANGE = lib.POD_LINK_OUT_OF_RANGE
    NOT_SUBSCRIBED = lib.POD_LINK_NOT_SUBSCRIBED
    NO_PLACE = lib.POD_LINK_NO_PLACE
    BUSY = lib.POD_LINK_BUSY
    IMU_FAULT = lib.POD_LINK_IMU_FAULT
    LOW_BATTERY = lib.POD_LINK_LOW_BATTERY
    SMALL_MTU = lib.POD_LINK_SMALL_MTU
    NOT_KEPT = lib.POD_LINK_NOT_KEPT
    UNKNOWN = lib.POD_LINK_UNKNOWN

    @property
    def label(self) -> str:
        """The codec's name of it, such as "bad length"."""
        name: bytes = ffi.string(lib.pod_link_result_name(self.value))
        return name.decode()


def att_reason(error: int) -> str:
    """An ATT error in words; by its number where it is none of the pod's own."""
    try:
        return LinkResult(error).label
    except ValueError:
        return f"ATT error 0x{error:02x}"


class Opcode(IntEnum):
    """What a pod can be told to do."""

    START = lib.POD_LINK_START
    STOP = lib.POD_LINK_STOP
    RATE = lib.POD_LINK_RATE
    BATCH = lib.POD_LINK_BATCH
    IDENTIFY = lib.POD_LINK_IDENTIFY


@dataclass(frozen=True, slots=True)
class Control:
    """A command to a pod."""

    opcode: Opcode
    argument: int = 0  # RATE: 52, 104, 208 or 416 Hz; BATCH: 1..19 samples; IDENTIFY: 0..60 s


@dataclass(frozen=True, slots=True)
class HapticPattern:
    """Equal pulses of the motor."""

    intensity_percent: int  # 1..100
    pulses: int  # 1..10
    on_ms: int  # each; from 20, all pulses together at most 1000
    off_ms: int  # between pulses, 20..1000


SILENCE = HapticPattern(0, 0, 0, 0)  # ends the pattern that plays


@dataclass(frozen=True, slots=True)
class PodConfig:
    """What a pod is for, kept in its flash."""

    placement: Placement | None  # None: not set yet
    name: str  # at most MAX_NAME_BYTES of UTF-8, no control characters
    runner: str  # at most MAX_RUNNER_BYTES of A-Z a-z 0-9 - _


@dataclass(frozen=True, slots=True)
class TimeReply:
    """Two of the four times of a round trip."""

    t1: int  # the hub's own clock as in the request, 0..2**64 - 1
    t2_us: int  # pod's crystal at the request's arrival, 0..2**32 - 1 microseconds, wraps
    t3_us: int  # pod's crystal as the reply was handed over, likewise


class PodState(IntEnum):
    """What a pod is doing."""

    BOOT = lib.POD_LINK_STATE_BOOT
    ADVERTISING_FAST = lib.POD_LINK_STATE_ADVERTISING_FAST
    ADVERTISING_SLOW = lib.POD_LINK_STATE_ADVERTISING_SLOW
    CONNECTED = lib.POD_LINK_STATE_CONNECTED
    STREAMING = lib.POD_LINK_STATE_STREAMING
    SLEEPING = lib.POD_LINK_STATE_SLEEPING
    EMPTY = lib.POD_LINK_STATE_EMPTY


class PodCondition(IntFlag):
    """What holds of a pod whatever its state."""

    NONE = 0
    IMU_FAULT = lib.POD_LINK_CONDITION_IMU_FAULT
    FLASH_FAULT = lib.POD_LINK_CONDITION_FLASH_FAULT
    LOW_BATTERY = lib.POD_LINK_CONDITION_LOW_BATTERY
    PAIRING = lib.POD_LINK_CONDITION_PAIRING
    BONDED = lib.POD_LINK_CONDITION_BONDED
    CHARGING = lib.POD_LINK_CONDITION_CHARGING


class Charging(IntEnum):
    """What happens to a pod's cell, where the pod knows."""

    DISCHARGING = lib.POD_LINK_DISCHARGING
    CHARGING = lib.POD_LINK_CHARGING
    CHARGED = lib.POD_LINK_CHARGED


@dataclass(frozen=True, slots=True)
class PodLinkStatus:
    """The health of a pod as it sees itself. None: not known.

    Counters from `fifo_overflows` on are since the pod started and saturate at 65535.
    """

    state: PodState
    conditions: PodCondition
    charging: Charging | None
    battery_mv: int | None  # millivolts, 0..65534
    rate_mhz: int | None  # measured sampling rate, millihertz, 0..2**32 - 2
    uptime_s: int
    packets_dropped: int  # since the stream started
    fifo_overflows: int
    fifo_bad_words: int  # unreadable or without partner
    imu_resets: int
    writes_refused: int
    settings_lost: int  # times they could not be kept in flash
    centrals_refused: int  # further hubs turned away


_STATUS_COUNTERS = (
    "uptime_s",
    "packets_dropped",
    "fifo_overflows",
    "fifo_bad_words",
    "imu_resets",
    "writes_refused",
    "settings_lost",
    "centrals_refused",
)


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a pod tells everybody. None: not known, or not set yet."""

    placement: Placement | None
    battery_mv: int | None  # millivolts, 0..65534
    conditions: PodCondition


def decode_control(data: Bytes) -> Control:
    """The command that a pod was sent."""
    record = _CONTROL.decode(data)
    return Control(Opcode(record.opcode), record.argument)


def encode_control(control: Control) -> bytes:
    """The command as a hub sends it."""
    fields = {"opcode": control.opcode, "argument": control.argument}
    return _CONTROL.encode(control, fields)


def decode_haptic(data: Bytes) -> HapticPattern:
    """The pattern that a pod was sent, or SILENCE."""
    record = _HAPTIC.decode(data)
    return HapticPattern(record.intensity_percent, record.pulses, record.on_ms, record.off_ms)


def encode_haptic(pattern: HapticPattern) -> bytes:
    """The pattern as a hub sends it."""
    fields = {
        "pattern": lib.POD_LINK_SILENCE if pattern == SILENCE else lib.POD_LINK_PULSES,
        "intensity_percent": pattern.intensity_percent,
        "pulses": pattern.pulses,
        "on_ms": pattern.on_ms,
        "off_ms": pattern.off_ms,
    }
    return _HAPTIC.encode(pattern, fields)


def decode_config(data: Bytes) -> PodConfig:
    """The settings that a pod was sent or has."""
    record = _CONFIG.decode(data)
    return PodConfig(
        placement=_placement(record.placement),
        name=_text(record.name, record.name_bytes),
        runner=_text(record.runner, record.runner_bytes),
    )


def encode_config(config: PodConfig) -> bytes:
    """The settings as either side sends them."""
    # Lone surrogates pass here for the codec to refuse them, like all that is no text.
    name = config.name.encode(errors="surrogatepass")
    runner = config.runner.encode(errors="surrogatepass")
    fields = {
        "placement": config.placement or lib.POD_LINK_NO_PLACEMENT,
        "name_bytes": len(name),
        "runner_bytes": len(runner),
        "name": name,
        "runner": runner,
    }
    return _CONFIG.encode(config, fields)


def decode_time_request(data: Bytes) -> int:
    """The t1 that a pod was sent."""
    t1: int = _TIME_REQUEST.decode(data)[0]
    return t1


def encode_time_request(t1: int) -> bytes:
    """`t1` is the hub's own clock in any unit, 0..2**64 - 1; the reply brings it back."""
    return _TIME_REQUEST.encode(t1, t1)


def decode_time_reply(data: Bytes) -> TimeReply:
    """The times that a pod answered with."""
    record = _TIME_REPLY.decode(data)
    return TimeReply(record.t1, record.t2_us, record.t3_us)


def encode_time_reply(reply: TimeReply) -> bytes:
    """The times as a pod sends them."""
    fields = {"t1": reply.t1, "t2_us": reply.t2_us, "t3_us": reply.t3_us}
    return _TIME_REPLY.encode(reply, fields)


def decode_status(data: Bytes) -> PodLinkStatus:
    """The health that a pod reports."""
    record = _STATUS.decode(data)
    return PodLinkStatus(
        state=PodState(record.state),
        conditions=PodCondition(record.conditions),
        charging=Charging(record.charging) if record.charging else None,
        battery_mv=_known(record.battery_mv, lib.POD_LINK_UNKNOWN_MV),
        rate_mhz=_known(record.rate_mhz, _UNKNOWN_RATE_MHZ),
        **{name: getattr(record, name) for name in _STATUS_COUNTERS},
    )


def encode_status(status: PodLinkStatus) -> bytes:
    """The health as a pod sends it."""
    fields = {
        "state": status.state,
        "conditions": status.conditions,
        "charging": status.charging or lib.POD_LINK_CHARGING_UNKNOWN,
        "battery_mv": _or_unknown(status.battery_mv, lib.POD_LINK_UNKNOWN_MV),
        "rate_mhz": _or_unknown(status.rate_mhz, _UNKNOWN_RATE_MHZ),
    }
    counters = {name: getattr(status, name) for name in _STATUS_COUNTERS}
    return _STATUS.encode(status, fields | counters)


def decode_advertisement(data: Bytes) -> Advertisement:
    """The record that a pod advertises, without what Bluetooth puts around it."""
    record = _ADVERTISEMENT.decode(data)
    return Advertisement(
        placement=_placement(record.placement),
        battery_mv=_known(record.battery_mv, lib.POD_LINK_UNKNOWN_MV),
        conditions=PodCondition(record.conditions),
    )


def encode_advertisement(advertisement: Advertisement) -> bytes:
    """The record as a pod advertises it, without what Bluetooth puts around it."""
    fields = {
        "placement": advertisement.placement or lib.POD_LINK_NO_PLACEMENT,
        "battery_mv": _or_unknown(advertisement.battery_mv, lib.POD_LINK_UNKNOWN_MV),
        "conditions": advertisement.conditions,
    }
    return _ADVERTISEMENT.encode(advertisement, fields)


def _placement(value: int) -> Placement | None:
    return None if value == lib.POD_LINK_NO_PLACEMENT else Placement(value)


def _text(characters: Any, length: int) -> str:
    return bytes(ffi.buffer(characters, length)).decode()


def _known(value: int, unknown: int) -> int | None:
    return None if value == unknown else value


def _or_unknown(value: int | None, unknown: int) -> int:
    """A known value that would read as unknown becomes one that fits no field."""
    if value is None:
        return unknown
    return -1 if value == unknown else value


class _Codec(NamedTuple):
    """One kind of record: the C type of its fields, and the functions that read and write it."""

    record: str
    fields: str
    read: Callable[..., int]
    write: Callable[..., int]
    max_bytes: int

    def decode(self, data: Bytes) -> Any:
        fields = ffi.new(self.fields)
        result = self.read(ffi.from_buffer(data), len(data), fields)
        if result != LinkResult.OK:
            raise self.refusal(LinkResult(result), data)
        return fields

    def encode(self, value: object, fields: object) -> bytes:
        data = ffi.new("uint8_t[]", self.max_bytes)
        try:
            length = self.write(ffi.new(self.fields, fields), data, self.max_bytes)
        except (OverflowError, IndexError):  # a number or a text that its field cannot hold
            length = 0
        if length == 0:
            raise self.refusal(LinkResult.OUT_OF_RANGE, value)
        return bytes(ffi.buffer(data, length))

    def refusal(self, result: LinkResult, value: object) -> LinkRecordError:
        return LinkRecordError(self.record, result.label, value)


def _write_time_request(t1: Any, data: Any, capacity: int) -> int:
    length: int = lib.pod_link_encode_time_request(t1[0], data, capacity)
    return length


_CONTROL = _Codec(
    "control",
    "pod_link_control *",
    lib.pod_link_decode_control,
    lib.pod_link_encode_control,
    lib.POD_LINK_MAX_CONTROL_BYTES,
)
_HAPTIC = _Codec(
    "haptic",
    "pod_link_haptic *",
    lib.pod_link_decode_haptic,
    lib.pod_link_encode_haptic,
    lib.POD_LINK_HAPTIC_BYTES,
)
_CONFIG = _Codec(
    "config",
    "pod_link_config *",
    lib.pod_link_decode_config,
    lib.pod_link_encode_config,
    lib.POD_LINK_MAX_CONFIG_BYTES,
)
_TIME_REQUEST = _Codec(
    "time request",
    "uint64_t *",
    lib.pod_link_decode_time_request,
    _write_time_request,
    lib.POD_LINK_TIME_REQUEST_BYTES,
)
_TIME_REPLY = _Codec(
    "time reply",
    "pod_link_time *",
    lib.pod_link_decode_time_reply,
    lib.pod_link_encode_time_reply,
    lib.POD_LINK_TIME_REPLY_BYTES,
)
_STATUS = _Codec(
    "status",
    "pod_link_status *",
    lib.pod_link_decode_status,
    lib.pod_link_encode_status,
    lib.POD_LINK_STATUS_BYTES,
)
_ADVERTISEMENT = _Codec(
    "advertisement",
    "pod_link_advertisement *",
    lib.pod_link_decode_advertisement,
    lib.pod_link_encode_advertisement,
    lib.POD_LINK_ADVERTISEMENT_BYTES,
)
