"""Which class of failure an error of the radio is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakCharacteristicNotFoundError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bleak_retry_connector import BleakNotFoundError, BleakOutOfConnectionSlotsError

from stridehub.errors import (
    LinkRecordError,
    PacketError,
    PodRefusedError,
    RadioError,
    StrideHubError,
)
from stridehub.kernel.link import LinkResult, att_reason
from stridehub.pods.backoff import Failure


class LinkEndedError(StrideHubError):
    """A link that stood and stands no more, or is of no use."""

    def __init__(self, failure: Failure, reason: str | None = None) -> None:
        """`reason` is for a person, where the class's own does not say enough."""
        super().__init__(reason or failure.value.told)
        self.failure = failure


# What connecting and streaming raise when the air, the pod or BlueZ is at fault.
RADIO_ERRORS = (
    BleakError,
    LinkEndedError,
    LinkRecordError,
    PacketError,
    PodRefusedError,
    RadioError,
    TimeoutError,
    OSError,
    EOFError,
)


@contextmanager
def bleak_at_work() -> Iterator[None]:
    """Bleak raises anything, KeyError and more, where BlueZ takes an object away meanwhile."""
    try:
        yield
    except RADIO_ERRORS:
        raise
    except Exception as error:
        raise LinkEndedError(Failure.ABORTED, f"bleak failed: {error!r}") from error


_BY_CODE = {
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION: Failure.NOT_BONDED,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION: Failure.NOT_BONDED,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION: Failure.NOT_BONDED,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE: Failure.NOT_BONDED,
    BleakGATTProtocolErrorCode.UNLIKELY_ERROR: Failure.LOST,  # BlueZ, when the link goes meanwhile
}

# Names and texts of BlueZ's errors, the more telling first.
_BY_TEXT = (
    ("connection-limit", Failure.NO_SLOT),
    ("connection slot", Failure.NO_SLOT),
    ("InProgress", Failure.BUSY_ADAPTER),
    ("NotReady", Failure.ADAPTER_GONE),
    ("not-powered", Failure.ADAPTER_GONE),
    ("No Bluetooth adapters", Failure.ADAPTER_GONE),
    ("adapter '", Failure.ADAPTER_GONE),
    ("Error.Authentication", Failure.NOT_BONDED),
    ("key-missing", Failure.NOT_BONDED),
    ("Not paired", Failure.NOT_BONDED),
    ("Error.ServiceUnknown", Failure.NO_BLUEZ),
    ("Error.NoReply", Failure.NO_BLUEZ),
    ("Error.Disconnected", Failure.NO_BLUEZ),
    ("Error.NameHasNoOwner", Failure.NO_BLUEZ),
    ("Error.UnknownObject", Failure.ADAPTER_GONE),
    ("device disconnected", Failure.HUNG_UP),
    ("Service Discovery has not been performed", Failure.LOST),
    ("Not connected", Failure.LOST),
    ("not connected", Failure.LOST),
    ("Error.NotConnected", Failure.LOST),
)


def failure_of(error: BaseException) -> Failure:
    """The wrapped error tells more than the connector that wraps it."""
    if isinstance(error, LinkEndedError):
        return error.failure
    if isinstance(error, BleakOutOfConnectionSlotsError):
        return Failure.NO_SLOT
    inner = error.__cause__
    if isinstance(error, BleakError) and isinstance(inner, RADIO_ERRORS):
        return failure_of(inner)
    return _failure_of_one(error)


def _failure_of_one(error: BaseException) -> Failure:
    if isinstance(error, BleakGATTProtocolError):
        return _BY_CODE.get(error.code, Failure.REFUSED)
    if isinstance(error, BleakCharacteristicNotFoundError):
        return Failure.STALE_SERVICES
    if isinstance(error, asyncio.TimeoutError | BleakNotFoundError | BleakDeviceNotFoundError):
        return Failure.TIMED_OUT
    if isinstance(error, BleakBluetoothNotAvailableError | RadioError):
        return Failure.ADAPTER_GONE
    if isinstance(error, LinkRecordError):
        is_version = error.reason == LinkResult.BAD_VERSION.label
        return Failure.OTHER_VERSION if is_version else Failure.REFUSED
    if isinstance(error, StrideHubError):
        return Failure.NOT_TAKEN
    if isinstance(error, OSError | EOFError):
        return Failure.NO_BLUEZ
    return _by_text(error)


def _by_text(error: BaseException) -> Failure:
    text = str(error)
    return next((failure for part, failure in _BY_TEXT if part in text), Failure.ABORTED)


def reason_of(error: BaseException) -> str:
    """In one line, for a person: the class with its advice, or with what was said itself."""
    if isinstance(error, LinkEndedError | RadioError):
        return str(error)
    if isinstance(error, PodRefusedError):
        return error.reason
    manner = failure_of(error).value
    inner = error.__cause__ if isinstance(error.__cause__, BleakError) else error
    if isinstance(inner, BleakGATTProtocolError) and manner is Failure.REFUSED.value:
        return f"{manner.reason}: {att_reason(inner.code)}"
    if manner.advice:
        return manner.told
    detail = " ".join(str(error).split()) or type(error).__name__
    return f"{manner.reason}: {detail}"
