"""The energy model of the pod: what must hold whatever the figures, and sums done by hand."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
CELL_MAH = 40.0


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


energy = loaded(FIRMWARE / "energy.py")
WORK = energy.Work()

rates = st.sampled_from(energy.RATES_HZ)
batches = st.integers(1, 19)
intervals_ms = st.integers(6, 400).map(lambda steps: steps * 1.25)


def total_ma(rate_hz: float, batch: int, interval_ms: float) -> float:
    stream = energy.Stream(rate_hz, batch, interval_ms)
    return float(energy.split(stream, WORK, CELL_MAH).total_ma)


def no_more_than(current: float) -> float:
    return current * (1 + 1e-12)


def test_airtime_of_packets_counted_by_hand() -> None:
    # 2 preamble, 4 access address, 2 header, 3 CRC; 4 L2CAP, 3 ATT, 12 + 8 * 12 payload, 4 MIC
    assert energy.airtime_2m_us(energy.notification_bytes(8)) == 130 * 4
    assert energy.airtime_2m_us(0) == 11 * 4
    # 1 preamble, 4 access address, 2 header, 6 address, 31 data, 3 CRC
    assert energy.airtime_1m_us(energy.ADVERTISING_BYTES) == 47 * 8


def test_charge_of_events_counted_by_hand() -> None:
    start = 1400 * 0.83 + (15000 * 70e-6 + 16) * 6.86
    empty = (40 + 44) * 6.86 + 110 * 1.6 + (40 + 44) * 6.40
    full = (40 + 44) * 6.86 + 110 * 1.6 + (40 + 520) * 6.40
    assert energy.event_nc(15.0, 0, 119) == pytest.approx(start + empty)
    assert energy.event_nc(15.0, 1, 119) == pytest.approx(start + full)
    assert energy.event_nc(15.0, 2, 119) == pytest.approx(start + 2 * full + 110 * 1.6)


def test_reading_the_fifo_counted_by_hand() -> None:
    # status: 3 + 4 bytes; 8 samples: 3 + 96 bytes; 9 bits each; 3 bits around either; 2.5 us a bit
    assert energy.read_us(8) == pytest.approx(((3 + 4) * 9 + 3 + (3 + 96) * 9 + 3) * 2.5)


def test_motor_counted_by_hand() -> None:
    # 30 times 0.3 s of 75 mA in 3600 s
    assert energy.motor_ma(30) == pytest.approx(0.1875)


def test_payload_is_that_of_the_wire_format(root: Path) -> None:
    header = (root / "native/include/pod_wire.h").read_text()
    bytes_of = dict(re.findall(r"POD_WIRE_(HEADER|SAMPLE)_BYTES = (\d+)", header))
    assert energy.payload_bytes(8) == int(bytes_of["HEADER"]) + 8 * int(bytes_of["SAMPLE"])


@given(rates, batches, intervals_ms)
def test_the_whole_is_the_sum_of_its_consumers(
    rate_hz: int, batch: int, interval_ms: float
) -> None:
    stream = energy.Stream(rate_hz, batch, interval_ms)
    currents = energy.split(stream, WORK, CELL_MAH)
    parts = [getattr(currents, name) for name in energy.CONSUMERS.values() if name != "total_ma"]
    assert all(part > 0 for part in parts)
    assert currents.total_ma == pytest.approx(sum(parts))
    used_mah = energy.hours(stream, WORK, CELL_MAH) * currents.total_ma
    assert used_mah == pytest.approx(CELL_MAH * energy.CELL.usable_share)


@given(rates, batches, intervals_ms, intervals_ms)
def test_a_longer_interval_never_costs_more(
    rate_hz: int, batch: int, one_ms: float, other_ms: float
) -> None:
    shorter_ms, longer_ms = sorted((one_ms, other_ms))
    shorter = total_ma(rate_hz, batch, shorter_ms)
    assert total_ma(rate_hz, batch, longer_ms) <= no_more_than(shorter)


@given(rates, batches, batches, intervals_ms)
def test_more_samples_a_notification_never_cost_more(
    rate_hz: int, one: int, other: int, interval_ms: float
) -> None:
    fewer, more = (
        energy.split(energy.Stream(rate_hz, batch, interval_ms), WORK, CELL_MAH)
        for batch in sorted((one, other))
    )
    assert more.radio_ma <= no_more_than(fewer.radio_ma)
    assert more.cpu_ma <= no_more_than(fewer.cpu_ma)
    assert more.i2c_ma <= no_more_than(fewer.i2c_ma)


@given(batches, intervals_ms)
def test_more_samples_a_second_cost_more(batch: int, interval_ms: float) -> None:
    currents = [total_ma(rate_hz, batch, interval_ms) for rate_hz in energy.RATES_HZ]
    assert currents == sorted(set(currents))


@given(rates, batches, intervals_ms)
def test_the_radio_draws_more_than_the_notifications_alone(
    rate_hz: int, batch: int, interval_ms: float
) -> None:
    stream = energy.Stream(rate_hz, batch, interval_ms)
    sending_us = energy.airtime_2m_us(energy.notification_bytes(batch))
    assert energy.radio_ma(stream) > energy.SOC.tx_ma * stream.packets_per_s * sending_us / 1e6


@given(st.sampled_from(list(energy.IMU_WAKES.values())), st.integers(0, 287))
def test_a_forgotten_pod_lasts_less_the_more_it_is_woken(imu_ua: float, wakes: int) -> None:
    days = energy.days_forgotten(imu_ua, wakes, CELL_MAH)
    assert energy.days_forgotten(imu_ua, wakes + 1, CELL_MAH) < days
    assert energy.days_forgotten(imu_ua + 1, wakes, CELL_MAH) < days
    assert energy.days_forgotten(imu_ua, wakes, CELL_MAH + 1) > days


def test_a_pod_that_never_rests_still_advertises_for_less_than_it_streams() -> None:
    all_day_mah = 288 * energy.wake_mah(energy.IMU.wake_416_hz_ua)
    assert all_day_mah < 24 * total_ma(208, 8, 50.0)


def test_advertising_seldom_costs_less() -> None:
    assert energy.advertising_ma(1000.0) < energy.advertising_ma(25.0) / 10


def test_options_change_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    energy.main(["--cell-mah", "60", "--rate", "104", "--cues-per-hour", "0"])
    printed = capsys.readouterr().out
    assert "Streaming at 104 Hz" in printed
    assert "60 mAh" in printed
    assert "110 mAh" not in printed
    assert re.search(r"^motor +0 µA +0\.0 %$", printed, re.MULTILINE)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("--cell-mah", value) for value in ("0", "-40", "nan", "inf", "big")],
        *[("--cues-per-hour", value) for value in ("-1", "nan", "inf")],
        *[("--instructions-per-sample", value) for value in ("-1", "nan")],
        *[("--instructions-per-packet", value) for value in ("-1", "nan")],
    ],
)
def test_options_that_mean_nothing_are_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as end:
        energy.main([f"{option}={value}"])
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"argument {option}: " in printed.err.splitlines()[-1]


def test_every_figure_has_a_source_and_a_certainty() -> None:
    rows = energy.sources_table(WORK).rows
    assert all(all(row) for row in rows)
    assert {row[3] for row in rows} == {certainty.value for certainty in energy.Certainty}


def test_the_document_holds_what_the_script_prints(capsys: pytest.CaptureFixture[str]) -> None:
    energy.main(["--markdown"])
    document = (FIRMWARE / "ENERGY.md").read_text(encoding="utf-8")
    between = re.search(r"<!-- begin tables -->\n\n(.*)\n<!-- end tables -->", document, re.DOTALL)
    assert between is not None
    assert between[1] == capsys.readouterr().out
