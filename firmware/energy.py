"""How long a pod's cell lasts: `python firmware/energy.py`. ENERGY.md has the formulae in words.

A charge is in nC, which is 1 mA for 1 us.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import Field, astuple, dataclass, field, fields
from enum import StrEnum
from typing import Any

US_PER_S = 1e6
US_PER_MS = 1e3
UA_PER_MA = 1e3
S_PER_HOUR = 3600.0
HOURS_PER_DAY = 24.0
HOURS_PER_MONTH = 730.5


# ---- figures and where they are from ----


class Certainty(StrEnum):
    STANDARD = "fixed by the standard"
    COUNTED = "counted"
    READ = "read in the maker's published text"
    QUOTED = "quoted from the document by others"
    MEASURED = "measured by others"
    RECALLED = "recalled, not looked up"
    ASSUMED = "assumed"


NRF = "nRF52840 Product Specification"
CORE = "Bluetooth Core Specification, Vol 6 Part B"
LSM = "LSM6DS3TR-C datasheet"
XIAO = "users of the XIAO nRF52840 Sense, Seeed Studio forum"
UNITS = {
    "ma": "mA",
    "ua": "µA",
    "us": "µs",
    "s": "s",
    "mhz": "MHz",
    "kbps": "kbps",
    "v": "V",
    "kohm": "kΩ",
    "ppm": "ppm",
}


def figure(value: float, what: str, source: str, certainty: Certainty) -> float:
    where = {"what": what, "source": source, "certainty": certainty}
    return field(default=value, metadata=where)


@dataclass(frozen=True)
class Soc:
    tx_ma: float = figure(
        6.40,
        "SoC transmitting, 0 dBm, 1 Mbps, DC/DC, 3 V",
        f"{NRF}, Current consumption: Radio transmitting/receiving, IRADIO_TX1",
        Certainty.READ,
    )
    rx_1m_ma: float = figure(
        6.26,
        "SoC receiving, 1 Mbps, DC/DC, 3 V",
        f"{NRF}, Current consumption: Radio transmitting/receiving, IRADIO_RX0",
        Certainty.READ,
    )
    tx_alone_ma: float = figure(
        4.8, "of it the radio alone, 0 dBm", f"{NRF} 1.11, 6.20.15.2", Certainty.QUOTED
    )
    rx_1m_alone_ma: float = figure(
        4.6, "of it the radio alone, 1 Mbps", f"{NRF} 1.11, 6.20.15.3", Certainty.QUOTED
    )
    rx_2m_alone_ma: float = figure(
        5.2, "radio alone, receiving, 2 Mbps", f"{NRF} 1.11, 6.20.15.3", Certainty.QUOTED
    )
    ramp_us: float = figure(
        40,
        "radio ramp-up, fast mode, either way",
        f"{NRF}, RADIO: timing (40 µs is in that of the nRF5340)",
        Certainty.RECALLED,
    )
    crystal_start_ma: float = figure(
        0.83,
        "32 MHz crystal starting, first ms, worst crystal",
        f"{NRF} 1.11, 5.4.4.2, ISTART_X32M",
        Certainty.QUOTED,
    )
    crystal_start_us: float = figure(
        1400,
        "crystal started this long before the radio",
        "nRF Connect SDK, default of MPSL_HFXO_LATENCY",
        Certainty.RECALLED,
    )
    cpu_ma: float = figure(
        3.3,
        "CPU running from flash, cache, DC/DC, 3 V",
        f"{NRF} 1.11, Current consumption: CPU running, ICPU0",
        Certainty.QUOTED,
    )
    cpu_mhz: float = figure(64, "clock of the CPU", NRF, Certainty.QUOTED)
    bus_ma: float = figure(
        0.6,
        "I2C by EasyDMA at 400 kbps, CPU asleep",
        "datasheet of the nRF91 series, ITWIM_400: 0.59 mA",
        Certainty.ASSUMED,
    )
    idle_ua: float = figure(
        3.16,
        "System ON, RTC running, all RAM kept",
        f"{NRF} 1.11, Current consumption: Sleep, ION_RAMON_RTC",
        Certainty.QUOTED,
    )
    off_ua: float = figure(
        0.40,
        "System OFF, wake by pin",
        f"{NRF} 1.11, Current consumption: Sleep, IOFF_RAMOFF_RESET",
        Certainty.QUOTED,
    )

    @property
    def clock_ma(self) -> float:
        """The radio between two packets: all that runs for it, but not itself."""
        return self.tx_ma - self.tx_alone_ma

    @property
    def rx_2m_ma(self) -> float:
        return self.rx_1m_ma - self.rx_1m_alone_ma + self.rx_2m_alone_ma


@dataclass(frozen=True)
class Link:
    pause_us: float = figure(150, "between packets (T_IFS)", CORE, Certainty.STANDARD)
    central_clock_ppm: float = figure(
        50, "sleep clock of the central", "a phone's or a computer's controller", Certainty.ASSUMED
    )
    own_clock_ppm: float = figure(20, "sleep clock of the pod", "its crystal", Certainty.ASSUMED)
    jitter_us: float = figure(16, "jitter of a sleep clock", CORE, Certainty.STANDARD)


@dataclass(frozen=True)
class Imu:
    stream_ma: float = figure(
        0.90,
        "accelerometer and gyroscope, high performance, 52 to 416 Hz alike",
        LSM,
        Certainty.RECALLED,
    )
    wake_1_6_hz_ua: float = figure(
        6.0, "wake-up on movement at 1.6 Hz, 3.3 V", f"{XIAO}: 7.9 - 1.9 µA", Certainty.MEASURED
    )
    wake_12_5_hz_ua: float = figure(
        10.5,
        "wake-up on movement at 12.5 Hz, 3.3 V",
        f"{LSM}, 9 µA at 1.8 V; and the 1.5 µA that 3.3 V adds at 1.6 Hz",
        Certainty.RECALLED,
    )
    wake_52_hz_ua: float = figure(
        26.1, "double tap at 52 Hz, 3.3 V", f"{XIAO}: 28 - 1.9 µA", Certainty.MEASURED
    )
    wake_416_hz_ua: float = figure(
        160, "wake-up at 416 Hz, 3.3 V", f"{XIAO}: 162 - 1.9 µA", Certainty.MEASURED
    )


@dataclass(frozen=True)
class Board:
    quiescent_ua: float = figure(
        2.0,
        "regulator and charger, quiescent",
        f"{XIAO}: 1.9 and 2.4 µA in System OFF, less the SoC's",
        Certainty.MEASURED,
    )
    supply_v: float = figure(3.3, "supply of the bus", "a linear regulator", Certainty.ASSUMED)
    pull_up_kohm: float = figure(4.7, "each I2C pull-up", "common value", Certainty.ASSUMED)
    bus_kbps: float = figure(400, "I2C clock", "fast mode", Certainty.STANDARD)

    @property
    def pull_ups_ma(self) -> float:
        """Two lines, each low half the time."""
        return self.supply_v / self.pull_up_kohm


@dataclass(frozen=True)
class Motor:
    on_ma: float = figure(
        75,
        "coin ERM, 10 mm, 3 V, running",
        "Precision Microdrives 310-101 datasheet",
        Certainty.RECALLED,
    )
    cue_s: float = figure(0.3, "motor on during one cue", "two pulses of 150 ms", Certainty.ASSUMED)


@dataclass(frozen=True)
class Software:
    cycles_per_instruction: float = figure(
        1.5, "loads, branches, misses of the cache", "Cortex-M4", Certainty.ASSUMED
    )
    stack_instructions_per_event: float = figure(
        10_000, "BLE stack, connection or advertising event", "allowance", Certainty.ASSUMED
    )
    stack_instructions_per_packet: float = figure(
        5_000, "BLE stack, one notification", "allowance", Certainty.ASSUMED
    )
    driver_instructions_per_read: float = figure(
        2_000, "wake, I2C driver, one reading of the FIFO", "allowance", Certainty.ASSUMED
    )


@dataclass(frozen=True)
class Cell:
    usable_share: float = figure(
        0.85, "share of the cell down to the cut-off, aged", "allowance", Certainty.ASSUMED
    )
    self_discharge_share_per_month: float = figure(
        0.03, "self-discharge with protection circuit", "Li-ion: 1 to 5 %", Certainty.ASSUMED
    )


SOC, LINK, IMU, BOARD = Soc(), Link(), Imu(), Board()
MOTOR, SOFTWARE, CELL = Motor(), Software(), Cell()

PREAMBLE_1M_BYTES, PREAMBLE_2M_BYTES = 1, 2
ACCESS_ADDRESS_BYTES, LINK_HEADER_BYTES, CRC_BYTES = 4, 2, 3
FRAME_BYTES = ACCESS_ADDRESS_BYTES + LINK_HEADER_BYTES + CRC_BYTES
L2CAP_BYTES, ATT_BYTES, MIC_BYTES = 4, 3, 4
PAYLOAD_HEADER_BYTES, SAMPLE_BYTES = 12, 12  # native/include/pod_wire.h
ADVERTISING_BYTES = 6 + 31  # address and a full advertisement
ADVERTISING_CHANNELS = 3
ADVERTISING_DELAY_MS = 5.0  # mean of the random 0 to 10 ms
FIFO_STATUS_BYTES = 4
TRANSFER_BYTES = 3  # address, register, address again
BITS_PER_BUS_BYTE = 9
TRANSFER_EXTRA_BITS = 3  # start, repeated start, stop

# firmware/core/power_machine.c; 20 to 30 ms is fast
FAST_ADVERTISING_MS, FAST_ADVERTISING_S = 25.0, 30.0
SLOW_ADVERTISING_MS, SLOW_ADVERTISING_S = 1000.0, 270.0


# ---- what is asked ----


@dataclass(frozen=True)
class Stream:
    rate_hz: float
    batch: int
    interval_ms: float

    @property
    def packets_per_s(self) -> float:
        return self.rate_hz / self.batch

    @property
    def packets_per_event(self) -> float:
        return self.packets_per_s * self.interval_ms * US_PER_MS / US_PER_S


@dataclass(frozen=True)
class Work:
    instructions_per_sample: float = figure(
        90, "pod's own code, one sample", "make firmware", Certainty.COUNTED
    )
    instructions_per_packet: float = figure(
        480, "pod's own code, one notification", "make firmware", Certainty.COUNTED
    )
    cues_per_hour: float = figure(
        30, "cues an hour", "a runner who is coached all the time", Certainty.ASSUMED
    )


@dataclass(frozen=True)
class Split:
    """Average currents by consumer."""

    imu_ma: float
    radio_ma: float
    cpu_ma: float
    i2c_ma: float
    base_ma: float
    motor_ma: float

    @property
    def total_ma(self) -> float:
        return math.fsum(astuple(self))


# ---- radio ----


def airtime_2m_us(link_payload_bytes: int) -> float:
    return (PREAMBLE_2M_BYTES + FRAME_BYTES + link_payload_bytes) * 8 / 2


def airtime_1m_us(link_payload_bytes: int) -> float:
    return float((PREAMBLE_1M_BYTES + FRAME_BYTES + link_payload_bytes) * 8)


def payload_bytes(batch: int) -> int:
    return PAYLOAD_HEADER_BYTES + SAMPLE_BYTES * batch


def notification_bytes(batch: int) -> int:
    """Payload of the encrypted link packet."""
    return L2CAP_BYTES + ATT_BYTES + payload_bytes(batch) + MIC_BYTES


def crystal_nc() -> float:
    return SOC.crystal_start_us * SOC.crystal_start_ma


def pause_nc() -> float:
    return (LINK.pause_us - SOC.ramp_us) * SOC.clock_ma


def exchange_nc(link_payload_bytes: int) -> float:
    """An empty packet from the central, and the pod's."""
    received_us = SOC.ramp_us + airtime_2m_us(0)
    sent_us = SOC.ramp_us + airtime_2m_us(link_payload_bytes)
    return received_us * SOC.rx_2m_ma + pause_nc() + sent_us * SOC.tx_ma


def early_us(interval_ms: float) -> float:
    """How long before its time a packet of the central is listened for."""
    drift = (LINK.central_clock_ppm + LINK.own_clock_ppm) / 1e6
    return drift * interval_ms * US_PER_MS + LINK.jitter_us


def event_nc(interval_ms: float, packets: int, link_payload_bytes: int) -> float:
    """A connection event with so many notifications; with none, empty packets are exchanged."""
    start_nc = crystal_nc() + early_us(interval_ms) * SOC.rx_2m_ma
    if packets == 0:
        return start_nc + exchange_nc(0)
    return start_nc + packets * exchange_nc(link_payload_bytes) + (packets - 1) * pause_nc()


def radio_ma(stream: Stream) -> float:
    fewer = math.floor(stream.packets_per_event)
    share_of_more = stream.packets_per_event - fewer
    size = notification_bytes(stream.batch)
    fewer_nc = event_nc(stream.interval_ms, fewer, size)
    more_nc = event_nc(stream.interval_ms, fewer + 1, size)
    mean_nc = (1 - share_of_more) * fewer_nc + share_of_more * more_nc
    return mean_nc / (stream.interval_ms * US_PER_MS)


# ---- the other consumers ----


def cpu_ma(instructions_per_s: float) -> float:
    busy_share = instructions_per_s * SOFTWARE.cycles_per_instruction / (SOC.cpu_mhz * 1e6)
    return busy_share * SOC.cpu_ma


def stream_instructions_per_s(stream: Stream, work: Work) -> float:
    per_packet = (
        work.instructions_per_packet
        + SOFTWARE.stack_instructions_per_packet
        + SOFTWARE.driver_instructions_per_read
    )
    events_per_s = US_PER_S / (stream.interval_ms * US_PER_MS)
    return (
        stream.rate_hz * work.instructions_per_sample
        + stream.packets_per_s * per_packet
        + events_per_s * SOFTWARE.stack_instructions_per_event
    )


def transfer_bits(data_bytes: int) -> int:
    return (TRANSFER_BYTES + data_bytes) * BITS_PER_BUS_BYTE + TRANSFER_EXTRA_BITS


def read_us(batch: int) -> float:
    """One reading of the FIFO at its watermark: its status, then the samples."""
    bits = transfer_bits(FIFO_STATUS_BYTES) + transfer_bits(SAMPLE_BYTES * batch)
    return bits * US_PER_MS / BOARD.bus_kbps


def i2c_ma(stream: Stream) -> float:
    busy_share = stream.packets_per_s * read_us(stream.batch) / US_PER_S
    return busy_share * (SOC.bus_ma + BOARD.pull_ups_ma)


def self_discharge_ma(cell_mah: float) -> float:
    return cell_mah * CELL.self_discharge_share_per_month / HOURS_PER_MONTH


def base_ma(cell_mah: float) -> float:
    return (SOC.idle_ua + BOARD.quiescent_ua) / UA_PER_MA + self_discharge_ma(cell_mah)


def motor_ma(cues_per_hour: float) -> float:
    return MOTOR.on_ma * cues_per_hour * MOTOR.cue_s / S_PER_HOUR


def split(stream: Stream, work: Work, cell_mah: float) -> Split:
    return Split(
        imu_ma=IMU.stream_ma,
        radio_ma=radio_ma(stream),
        cpu_ma=cpu_ma(stream_instructions_per_s(stream, work)),
        i2c_ma=i2c_ma(stream),
        base_ma=base_ma(cell_mah),
        motor_ma=motor_ma(work.cues_per_hour),
    )


def usable_mah(cell_mah: float) -> float:
    return cell_mah * CELL.usable_share


def hours(stream: Stream, work: Work, cell_mah: float) -> float:
    return usable_mah(cell_mah) / split(stream, work, cell_mah).total_ma


# ---- forgotten ----


def advertising_event_nc() -> float:
    """The advertisement on each channel, and the radio open for an answer that does not come."""
    sent_us = SOC.ramp_us + airtime_1m_us(ADVERTISING_BYTES)
    address_us = (PREAMBLE_1M_BYTES + ACCESS_ADDRESS_BYTES) * 8
    listening_us = SOC.ramp_us + address_us
    channel_nc = sent_us * SOC.tx_ma + pause_nc() + listening_us * SOC.rx_1m_ma
    return crystal_nc() + ADVERTISING_CHANNELS * channel_nc


def advertising_ma(interval_ms: float) -> float:
    """What advertising adds to an idle pod."""
    period_us = (interval_ms + ADVERTISING_DELAY_MS) * US_PER_MS
    instructions_per_s = SOFTWARE.stack_instructions_per_event * US_PER_S / period_us
    return advertising_event_nc() / period_us + cpu_ma(instructions_per_s)


def wake_mah(asleep_imu_ua: float) -> float:
    """What a wake with no hub around adds to a sleeping pod; its IMU looks for double taps."""
    awake_s = FAST_ADVERTISING_S + SLOW_ADVERTISING_S
    return (
        FAST_ADVERTISING_S * advertising_ma(FAST_ADVERTISING_MS)
        + SLOW_ADVERTISING_S * advertising_ma(SLOW_ADVERTISING_MS)
        + awake_s * (SOC.idle_ua - SOC.off_ua) / UA_PER_MA
        + awake_s * (IMU.wake_416_hz_ua - asleep_imu_ua) / UA_PER_MA
    ) / S_PER_HOUR


def asleep_ma(imu_ua: float, cell_mah: float) -> float:
    return (SOC.off_ua + imu_ua + BOARD.quiescent_ua) / UA_PER_MA + self_discharge_ma(cell_mah)


def days_forgotten(imu_ua: float, wakes_per_day: float, cell_mah: float) -> float:
    day_mah = HOURS_PER_DAY * asleep_ma(imu_ua, cell_mah) + wakes_per_day * wake_mah(imu_ua)
    return usable_mah(cell_mah) / day_mah


# ---- tables ----

BATCHES = (8, 16)
INTERVALS_MS = (15.0, 30.0, 50.0)
CELLS_MAH = (40.0, 110.0)
RATES_HZ = (52, 104, 208, 416)
TYPICAL_BATCH, TYPICAL_INTERVAL_MS = 8, 30.0
WAKES_PER_DAY = (0, 5, 20, 288)  # 288: moved again as soon as it sleeps
CONSUMERS = {
    "IMU": "imu_ma",
    "radio": "radio_ma",
    "CPU": "cpu_ma",
    "I2C": "i2c_ma",
    "idle, regulator, self-discharge": "base_ma",
    "motor": "motor_ma",
    "all": "total_ma",
}
IMU_WAKES = {
    "1.6 Hz": IMU.wake_1_6_hz_ua,
    "12.5 Hz": IMU.wake_12_5_hz_ua,
    "52 Hz": IMU.wake_52_hz_ua,
    "416 Hz": IMU.wake_416_hz_ua,
}


@dataclass(frozen=True)
class Table:
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join([f"### {self.title}", "", *(f"| {' | '.join(line)} |" for line in lines)])

    def text(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = (
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return "\n".join([self.title, "", *aligned])


def hours_table(rate_hz: float, work: Work, cells_mah: Sequence[float]) -> Table:
    streams = [Stream(rate_hz, batch, interval) for batch in BATCHES for interval in INTERVALS_MS]
    rows = [
        [
            f"{stream.batch}",
            f"{stream.interval_ms:g} ms",
            f"{split(stream, work, cells_mah[0]).total_ma:.2f} mA",
            *(f"{hours(stream, work, cell):.1f} h" for cell in cells_mah),
        ]
        for stream in streams
    ]
    head = [
        "samples a notification",
        "connection interval",
        "average",
        *(f"{cell:g} mAh" for cell in cells_mah),
    ]
    return Table(f"Streaming at {rate_hz:g} Hz", head, rows)


def split_table(rate_hz: float, work: Work, cell_mah: float) -> Table:
    stream = Stream(rate_hz, TYPICAL_BATCH, TYPICAL_INTERVAL_MS)
    currents = split(stream, work, cell_mah)
    rows = []
    for name, attribute in CONSUMERS.items():
        current_ma = getattr(currents, attribute)
        share = f"{100 * current_ma / currents.total_ma:.1f} %"
        rows.append([name, f"{current_ma * UA_PER_MA:.0f} µA", share])
    title = (
        f"Where it goes: {rate_hz:g} Hz, {stream.batch} samples a notification, "
        f"{stream.interval_ms:g} ms, {work.cues_per_hour:g} cues an hour, {cell_mah:g} mAh"
    )
    return Table(title, ["consumer", "average", "share"], rows)


def forgotten_table(cells_mah: Sequence[float]) -> Table:
    rows = [
        [
            f"{cell:g} mAh",
            rate,
            *(f"{days_forgotten(imu_ua, wakes, cell):.0f} days" for wakes in WAKES_PER_DAY),
        ]
        for cell in cells_mah
        for rate, imu_ua in IMU_WAKES.items()
    ]
    head = ["cell", "IMU asleep at", *(f"{wakes} wakes a day" for wakes in WAKES_PER_DAY)]
    return Table("Forgotten in a bag", head, rows)


def unit_of(name: str) -> str:
    return UNITS.get(name.rpartition("_")[2], "")


def source_row(given: Field[Any], value: float) -> list[str]:
    about = given.metadata
    quantity = f"{value:g} {unit_of(given.name)}".strip()
    return [about["what"], quantity, about["source"], about["certainty"].value]


def sources_table(work: Work) -> Table:
    groups = (SOC, LINK, IMU, BOARD, MOTOR, SOFTWARE, work, CELL)
    rows = [
        source_row(given, getattr(group, given.name)) for group in groups for given in fields(group)
    ]
    return Table("Figures", ["figure", "value", "source", "certainty"], rows)


def tables(rate_hz: float, work: Work, cells_mah: Sequence[float]) -> list[Table]:
    return [
        hours_table(rate_hz, work, cells_mah),
        split_table(rate_hz, work, cells_mah[0]),
        forgotten_table(cells_mah),
        sources_table(work),
    ]


def number(text: str) -> float:
    """Raises ArgumentTypeError for what is not finite, or below 0."""
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number from 0")
    return value


def capacity(text: str) -> float:
    """Raises ArgumentTypeError for what no cell holds."""
    value = number(text)
    if value == 0:
        raise argparse.ArgumentTypeError("a cell of 0 mAh")
    return value


def parser() -> argparse.ArgumentParser:
    work = Work()
    options = argparse.ArgumentParser(description="How long a pod's cell lasts.")
    options.add_argument("--cell-mah", type=capacity, nargs="+", default=CELLS_MAH, metavar="MAH")
    options.add_argument("--rate", type=int, choices=RATES_HZ, default=208, help="Hz")
    options.add_argument(
        "--instructions-per-sample", type=number, default=work.instructions_per_sample, metavar="N"
    )
    options.add_argument(
        "--instructions-per-packet", type=number, default=work.instructions_per_packet, metavar="N"
    )
    options.add_argument("--cues-per-hour", type=number, default=work.cues_per_hour, metavar="N")
    options.add_argument("--markdown", action="store_true", help="the tables of ENERGY.md")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    asked = parser().parse_args(arguments)
    work = Work(asked.instructions_per_sample, asked.instructions_per_packet, asked.cues_per_hour)
    printed = tables(asked.rate, work, asked.cell_mah)
    print("\n\n".join(table.markdown() if asked.markdown else table.text() for table in printed))


if __name__ == "__main__":
    main()
