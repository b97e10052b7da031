"""What bleak, its connector, D-Bus and pods raise, sorted by what is to be done about it."""

import sqlite3
from collections.abc import Callable

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bleak_retry_connector import (
    BleakAbortedError,
    BleakConnectionError,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
)
from hypothesis import given
from hypothesis import strategies as st

from stridehub.errors import (
    LinkRecordError,
    PacketError,
    PodRefusedError,
    RadioError,
)
from stridehub.kernel import link, wire
from stridehub.kernel.link import LinkResult
from stridehub.model import Placement, PodInfo
from stridehub.pods.backoff import Failure
from stridehub.pods.failures import (
    RADIO_ERRORS,
    LinkEndedError,
    bleak_at_work,
    failure_of,
    reason_of,
)

INFO = PodInfo(Placement.SHANK_L, 208_000, 4_788_000, 1_065_000, 8)
CONFIG = link.encode_config(link.PodConfig(Placement.SHANK_L, "L07", "r1"))

Wrap = Callable[[Exception], Exception]


def bluez(name: str, *details: str) -> BleakDBusError:
    return BleakDBusError(f"org.bluez.Error.{name}", list(details))


def freedesktop(name: str, *details: str) -> BleakDBusError:
    return BleakDBusError(f"org.freedesktop.DBus.Error.{name}", list(details))


def raised(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def wrapped_as(kind: type[BleakError]) -> Wrap:
    """As the connector does: its own error, raised from the one it met."""

    def wrap(inner: Exception) -> Exception:
        def fail() -> None:
            text = f"L07 - F0:D6:16:00:00:01: Failed to connect after 1 attempt(s): {inner}"
            raise kind(text) from inner

        return raised(fail)

    return wrap


UNAVAILABLE = BleakBluetoothNotAvailableReason.NO_BLUETOOTH
DBUS_ERRORS = {
    "in progress": (bluez("InProgress", "Operation already in progress"), Failure.BUSY_ADAPTER),
    "in progress, no details": (bluez("InProgress"), Failure.BUSY_ADAPTER),
    "not ready": (bluez("NotReady", "Resource Not Ready"), Failure.ADAPTER_GONE),
    "not powered": (bluez("Failed", "le-connection-adapter-not-powered"), Failure.ADAPTER_GONE),
    "not powered, classic": (bluez("Failed", "br-connection-adapter-not-powered"),
                             Failure.ADAPTER_GONE),
    "authentication failed": (bluez("AuthenticationFailed", "Authentication Failed"),
                              Failure.NOT_BONDED),
    "authentication canceled": (bluez("AuthenticationCanceled", "Authentication Canceled"),
                                Failure.NOT_BONDED),
    "authentication rejected": (bluez("AuthenticationRejected", "Authentication Rejected"),
                                Failure.NOT_BONDED),
    "authentication timeout": (bluez("AuthenticationTimeout", "Authentication Timeout"),
                               Failure.NOT_BONDED),
    "key missing": (bluez("Failed", "le-connection-key-missing"), Failure.NOT_BONDED),
    "not paired": (bluez("NotPermitted", "Not paired"), Failure.NOT_BONDED),
    "connection limit": (bluez("Failed", "le-connection-concurrent-connection-limit"),
                         Failure.NO_SLOT),
    "aborted by local": (bluez("Failed", "le-connection-abort-by-local"), Failure.ABORTED),
    "aborted by remote": (bluez("Failed", "le-connection-abort-by-remote"), Failure.ABORTED),
    "canceled": (bluez("Failed", "br-connection-canceled"), Failure.ABORTED),
    "refused": (bluez("Failed", "le-connection-refused"), Failure.ABORTED),
    "unknown": (bluez("Failed", "br-connection-unknown"), Failure.ABORTED),
    "software caused": (bluez("Failed", "Software caused connection abort"), Failure.ABORTED),
    "not connected": (bluez("NotConnected", "Not Connected"), Failure.LOST),
    "failed, not connected": (bluez("Failed", "Not connected"), Failure.LOST),
    "bluetoothd not there": (
        freedesktop("ServiceUnknown", "The name org.bluez was not provided by any .service files"),
        Failure.NO_BLUEZ,
    ),
    "bluetoothd just gone": (freedesktop("NameHasNoOwner"), Failure.NO_BLUEZ),
    "no reply": (freedesktop("NoReply", "Message recipient disconnected"), Failure.NO_BLUEZ),
    "bus disconnected": (freedesktop("Disconnected"), Failure.NO_BLUEZ),
}  # fmt: skip
LIBRARY_ERRORS = {
    "no slots": (BleakOutOfConnectionSlotsError("L07: no free slot"), Failure.NO_SLOT),
    "slots in words": (BleakError("no available connection slot"), Failure.NO_SLOT),
    "not found": (BleakNotFoundError("L07 disappeared"), Failure.TIMED_OUT),
    "device not found": (BleakDeviceNotFoundError("F0:D6:16:00:00:01", "gone"), Failure.TIMED_OUT),
    "no adapters": (BleakBluetoothNotAvailableError("No Bluetooth adapters found.", UNAVAILABLE),
                    Failure.ADAPTER_GONE),
    "adapter not found": (BleakError("adapter 'hci0' not found"), Failure.ADAPTER_GONE),
    "no characteristic": (BleakCharacteristicNotFoundError("d6160002"), Failure.STALE_SERVICES),
    "client not connected": (BleakError("Not connected"), Failure.LOST),
    "service discovery cut": (BleakError("failed to discover services, device disconnected"),
                              Failure.HUNG_UP),
    "discovery not done": (BleakError("Service Discovery has not been performed yet"),
                           Failure.LOST),
    "services gone meanwhile": (KeyError("org.bluez.GattService1"), Failure.ABORTED),
    "a doubt of bleak's": (AssertionError(), Failure.ABORTED),
    "timeout": (TimeoutError(), Failure.TIMED_OUT),
    "end of the bus": (EOFError(), Failure.NO_BLUEZ),
    "no bus": (FileNotFoundError(2, "No such file or directory"), Failure.NO_BLUEZ),
    "bus refuses": (ConnectionRefusedError(111, "Connection refused"), Failure.NO_BLUEZ),
    "broken pipe": (BrokenPipeError(32, "Broken pipe"), Failure.NO_BLUEZ),
    "reset": (ConnectionResetError(104, "Connection reset by peer"), Failure.NO_BLUEZ),
}  # fmt: skip
OWN_ERRORS = {
    "radio": (RadioError("Bluetooth", "this machine has no adapter"), Failure.ADAPTER_GONE),
    "garbled record": (raised(lambda: link.decode_config(b"")), Failure.REFUSED),
    "record of another version": (
        raised(lambda: link.decode_config(bytes([CONFIG[0] ^ 0x20]) + CONFIG[1:])),
        Failure.OTHER_VERSION,
    ),
    "garbled info": (raised(lambda: wire.decode_info(b"")), Failure.NOT_TAKEN),
    "pod refused": (PodRefusedError(INFO, "no runner 'r1' here"), Failure.NOT_TAKEN),
}
ALL = DBUS_ERRORS | LIBRARY_ERRORS | OWN_ERRORS
CASES = pytest.mark.parametrize(("error", "failure"), ALL.values(), ids=ALL)


@CASES
def test_each_error_is_of_its_class(error: Exception, failure: Failure) -> None:
    assert failure_of(error) is failure


@CASES
def test_each_error_is_one_that_is_recovered_from(error: Exception, failure: Failure) -> None:
    """What bleak raises besides its own errors becomes one of them where bleak is at work."""
    with pytest.raises(RADIO_ERRORS) as caught, bleak_at_work():
        raise error
    assert failure_of(caught.value) is failure


def test_a_fault_of_the_hubs_own_is_not_taken_for_one_of_the_radio() -> None:
    faults = (TypeError(), ValueError(), AttributeError(), KeyError(), AssertionError())
    for fault in (*faults, sqlite3.OperationalError()):
        assert not isinstance(fault, RADIO_ERRORS)


@pytest.mark.parametrize("wrap", [wrapped_as(BleakConnectionError), wrapped_as(BleakAbortedError)],
                         ids=["connection", "aborted"])  # fmt: skip
@pytest.mark.parametrize(("error", "failure"), DBUS_ERRORS.values(), ids=DBUS_ERRORS)
def test_what_the_connector_wraps_counts(error: Exception, failure: Failure, wrap: Wrap) -> None:
    assert failure_of(wrap(error)) is failure


@pytest.mark.parametrize("wrap", [wrapped_as(BleakNotFoundError), wrapped_as(BleakConnectionError)],
                         ids=["not found", "connection"])  # fmt: skip
def test_a_timeout_within_the_connector_is_one(wrap: Wrap) -> None:
    assert failure_of(wrap(TimeoutError())) is Failure.TIMED_OUT


def test_no_slot_is_believed_whatever_is_wrapped() -> None:
    error = wrapped_as(BleakOutOfConnectionSlotsError)(bluez("Failed", "le-connection-refused"))
    assert failure_of(error) is Failure.NO_SLOT


def test_wrapped_twice_the_innermost_counts() -> None:
    inner = wrapped_as(BleakError)(bluez("InProgress"))
    assert failure_of(wrapped_as(BleakConnectionError)(inner)) is Failure.BUSY_ADAPTER


# ---- what a pod answers ----

NOT_BONDED = (0x05, 0x08, 0x0C, 0x0F)
OWN_CODES = range(0x80, 0x8D)


@pytest.mark.parametrize("code", range(0x01, 0x100))
def test_every_att_error_is_a_refusal_a_lost_bond_or_a_lost_link(code: int) -> None:
    want = Failure.NOT_BONDED if code in NOT_BONDED else Failure.REFUSED
    if code == BleakGATTProtocolErrorCode.UNLIKELY_ERROR:
        want = Failure.LOST
    error = BleakGATTProtocolError(code)
    assert failure_of(error) is want
    assert failure_of(wrapped_as(BleakConnectionError)(error)) is want


@pytest.mark.parametrize("code", OWN_CODES)
def test_a_pods_own_error_is_told_in_its_words(code: int) -> None:
    error = BleakGATTProtocolError(code)
    for told in (reason_of(error), reason_of(wrapped_as(BleakConnectionError)(error))):
        assert told == f"the pod refused: {LinkResult(code).label}"


def test_a_strange_att_error_is_told_by_its_number() -> None:
    assert reason_of(BleakGATTProtocolError(0xA5)) == "the pod refused: ATT error 0xa5"


def test_a_lost_bond_says_how_to_make_a_new_one() -> None:
    for code in NOT_BONDED:
        told = reason_of(BleakGATTProtocolError(code))
        assert "double-tap" in told
        assert "stridehub provision" in told


# ---- what a person reads ----


def assert_is_a_line(text: str) -> None:
    assert text.strip() == text != ""
    assert len(text.splitlines()) == 1


@CASES
def test_a_reason_is_one_line_and_says_what_to_do(error: Exception, failure: Failure) -> None:
    told = reason_of(error)
    assert_is_a_line(told)
    if not isinstance(error, PodRefusedError | RadioError):
        assert told.startswith(failure.value.reason)
        assert failure.value.advice in told


@given(st.text())
def test_any_text_of_an_error_becomes_one_line(text: str) -> None:
    for error in (BleakError(text), KeyError(text), bluez("Failed", text)):
        assert_is_a_line(reason_of(error))
        assert_is_a_line(reason_of(wrapped_as(BleakConnectionError)(error)))


@given(st.text(), st.text())
def test_any_d_bus_name_is_of_some_class(name: str, details: str) -> None:
    error = BleakDBusError(name, [details])
    assert failure_of(error) in Failure


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert reason_of(BleakError()) == "the connection failed: BleakError"


def test_a_link_that_ended_says_why_in_its_own_words_or_the_classs() -> None:
    assert reason_of(LinkEndedError(Failure.SILENT)) == Failure.SILENT.value.told
    assert failure_of(LinkEndedError(Failure.SILENT)) is Failure.SILENT
    own = LinkEndedError(Failure.NOT_TAKEN, "another pod sits there")
    assert reason_of(own) == "another pod sits there"
    assert failure_of(own) is Failure.NOT_TAKEN


def test_a_pod_refused_by_the_kernel_is_told_by_the_reason_alone() -> None:
    assert reason_of(PodRefusedError(INFO, "no runner 'r1' here")) == "no runner 'r1' here"


def test_a_trouble_of_this_machines_bluetooth_is_told_as_it_is() -> None:
    """Not as another one: who left an adapter out on purpose must not be told to plug it in."""
    left_out = RadioError("F0:00:00:00:00:01", "the configuration leaves it out")
    assert "the configuration leaves it out" in reason_of(left_out)
    silent = RadioError("D-Bus", "does not answer: refused")
    assert "D-Bus" in reason_of(silent)


@pytest.mark.parametrize("failure", Failure)
def test_every_class_is_told_in_one_line(failure: Failure) -> None:
    assert_is_a_line(failure.value.told)
    assert failure.value.advice in failure.value.told


def test_what_does_not_pass_by_itself_comes_with_advice() -> None:
    for failure in Failure:
        if failure.value.most_s >= 30.0 and failure is not Failure.NOT_TAKEN:
            assert failure.value.advice, failure


def test_records_and_packets_that_cannot_be_read_are_told_with_their_defect() -> None:
    assert "bad length" in reason_of(LinkRecordError("config", "bad length", b""))
    assert "bad length" in reason_of(PacketError("bad length", b""))
