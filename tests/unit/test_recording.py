import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stridehub.errors import RecordingError
from stridehub.kernel import wire
from stridehub.model import Placement
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource

RATE_HZ = 208.0
SAMPLES = 700
Arrays = dict[str, Any]


def arrays(**changed: Any) -> Arrays:
    """A small valid recording; a value of None leaves its key out."""
    rng = np.random.default_rng(7)
    pods = 2
    acc = rng.normal(0.0, 3.0, (pods, SAMPLES, 3))
    acc[..., 1] += 9.81
    content: Arrays = {
        "fs": RATE_HZ,
        "t": np.arange(SAMPLES) / RATE_HZ,
        "pods": np.array(["shank_l", "shank_r"]),
        "acc": acc,
        "gyr": rng.normal(0.0, 2.0, (pods, SAMPLES, 3)),
    }
    return {key: value for key, value in (content | changed).items() if value is not None}


def saved(content: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **content)
    return file.getvalue()


Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes bytes, or arrays() with changes, to a file."""

    def write(content: bytes | None = None, **changed: Any) -> Path:
        path = tmp_path / "recording.npz"
        path.write_bytes(saved(arrays(**changed)) if content is None else content)
        return path

    return write


def reason(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        load_recording(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


def test_what_is_saved_is_what_is_loaded(save: Save) -> None:
    content = arrays(height=1.8, mass=np.nan, leg_length_l=np.float32(0.9), stand_end=102.0)
    recording = load_recording(save(**(content | {"t": content["t"] + 100.0})))
    assert recording.rate_hz == RATE_HZ
    assert recording.placements == (Placement.SHANK_L, Placement.SHANK_R)
    np.testing.assert_allclose(recording.time_s, content["t"], atol=1e-9)
    np.testing.assert_array_equal(recording.acc_mps2, content["acc"])
    np.testing.assert_array_equal(recording.gyr_rad_s, content["gyr"])
    assert recording.body.height_m == 1.8
    assert recording.body.mass_kg is None
    assert recording.body.leg_length_left_m == pytest.approx(0.9)
    assert recording.body.leg_length_right_m is None
    assert recording.stand_end_s == pytest.approx(2.0)


def test_other_keys_are_never_read(save: Save) -> None:
    pickled = np.array([{"never": "read"}], dtype=object)
    load_recording(save(truth_ic_l=pickled, stride_side=pickled))


def bad(key: str, change: Callable[[NDArray[Any]], Any]) -> Arrays:
    return {key: change(arrays()[key])}


def with_value(index: tuple[int, ...], value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def change(values: NDArray[Any]) -> NDArray[Any]:
        values[index] = value
        return values

    return change


DEFECTS: dict[str, tuple[Arrays, str]] = {
    "no fs": ({"fs": None}, "fs is missing"),
    "fs unknown": ({"fs": np.nan}, "fs is missing"),
    "fs infinite": ({"fs": np.inf}, "fs is infinite"),
    "fs low": ({"fs": 51.0}, "outside 52..833 Hz"),
    "fs high": ({"fs": 834.0}, "outside 52..833 Hz"),
    "fs text": ({"fs": "208"}, "a number belongs"),
    "fs list": ({"fs": np.array([208.0])}, "a number belongs"),
    "fs is not the rate of t": ({"fs": 104.0}, "but fs is 104 Hz"),
    "no acc": ({"acc": None}, "acc is missing"),
    "no gyr": ({"gyr": None}, "gyr is missing"),
    "no t": ({"t": None}, "t is missing"),
    "no pods": ({"pods": None}, "pods is missing"),
    "empty pods": ({"pods": np.zeros(0, "U8")}, "names no pod"),
    "numbered pods": ({"pods": np.array([4, 5])}, "text"),
    "pods as bytes": ({"pods": np.array([b"shank_l", b"shank_r"])}, "text"),
    "unknown pod": ({"pods": np.array(["shank_l", "elbow_r"])}, "elbow_r"),
    "doubled pod": ({"pods": np.array(["shank_l", "shank_l"])}, "twice"),
    "nine pods": ({"pods": np.array([*(p.label for p in Placement), "pelvis"])}, "twice"),
    "long names": ({"pods": np.array(["x" * 5000])}, "larger"),
    "one pod too few": ({"pods": np.array(["shank_l"])}, "shape"),
    "acc flat": (bad("acc", lambda a: a[0]), "dimensions"),
    "acc of two axes": (bad("acc", lambda a: a[..., :2]), "shape"),
    "acc turned": (bad("acc", lambda a: a.swapaxes(0, 1)), "shape"),
    "gyr short": (bad("gyr", lambda a: a[:, :-1]), "shape"),
    "acc integer": (bad("acc", lambda a: a.astype(np.int32)), "float"),
    "acc complex": (bad("acc", lambda a: a.astype(complex)), "float"),
    "acc half precision": (bad("acc", lambda a: a.astype(np.float16)), "float32 or float64"),
    "acc pickled": (bad("acc", lambda a: a.astype(object)), "pickled"),
    "acc NaN": (bad("acc", with_value((1, 30, 2), np.nan)), "pod 1, sample 30"),
    "gyr infinite": (bad("gyr", with_value((0, 9, 0), -np.inf)), "pod 0, sample 9"),
    "t NaN": (bad("t", with_value((5,), np.nan)), "NaN"),
    "t back": (bad("t", with_value((5,), 0.0)), "increase at sample 5"),
    "t still": (bad("t", lambda t: np.repeat(t[::2], 2)), "increase at sample 1"),
    "t in ms": (bad("t", lambda t: t * 1e3), "t runs at 0.208 Hz"),
    "short": (
        {key: arrays()[key][..., :300, :] for key in ("acc", "gyr")} | {"t": arrays()["t"][:300]},
        "less than 2 s",
    ),
    "empty": (
        {key: arrays()[key][..., :0, :] for key in ("acc", "gyr")} | {"t": np.zeros(0)},
        "less than 2 s",
    ),
    "acc in g": (bad("acc", lambda a: a / 9.81), "probably in g"),
    "acc without gravity": (bad("acc", lambda a: a * 1e-3), "another unit"),
    "acc in mg": (bad("acc", lambda a: a / 9.81e-3), "another unit"),
    "acc beyond": (bad("acc", with_value((0, 5, 0), 1e3)), "beyond any sensor"),
    "gyr in deg/s": (bad("gyr", np.degrees), "deg/s"),
    "gyr beyond": (bad("gyr", with_value((0, 5, 0), 200.0)), "beyond any sensor"),
    "height in cm": ({"height": 180.0}, "height_m"),
    "mass of nothing": ({"mass": 0.0}, "mass_kg"),
    "leg as text": ({"leg_length_r": "long"}, "leg_length_r"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_named(name: str, save: Save) -> None:
    changed, told = DEFECTS[name]
    assert told in reason(save(**changed))


def test_files_that_are_no_recording(tmp_path: Path, save: Save) -> None:
    assert "No such file" in reason(tmp_path / "absent.npz")
    assert "directory" in reason(tmp_path)
    assert "not an .npz" in reason(save(b""))
    assert "not an .npz" in reason(save(b"just text"))
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("letter.txt", "hello")
    assert "fs is missing" in reason(tmp_path / "other.npz")


def entry(header: bytes, version: tuple[int, int] = (1, 0)) -> bytes:
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header


@pytest.mark.parametrize(
    "claim",
    [
        entry(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 100000000000, 3)}\n"),
        entry(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 10000000000000000000, 3)}\n"),
        entry(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, -700, 3)}\n"),
        entry(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 700, 3)}\n"),
        entry(b"{'descr': '|O', 'fortran_order': False, 'shape': (2, 700, 3)}\n"),
        entry(b"{'descr': '<f8', 'fortran_order': False}\n"),
        entry(b"{'descr': '<f8', 'fortran_order': False, 'shape': ((((((((\n"),
        entry(b"(" * 9000),
        entry(b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 1, 3)}", (3, 0)),
        entry(b"x" * 20000, (2, 0)),
        b"\x93NUMPY",
        b"PK",
    ],
)
def test_an_array_that_claims_what_it_is_not(claim: bytes, tmp_path: Path) -> None:
    source = io.BytesIO(saved(arrays()))
    path = tmp_path / "claim.npz"
    with zipfile.ZipFile(source) as good, zipfile.ZipFile(path, "w") as archive:
        for name in good.namelist():
            archive.writestr(name, claim if name == "acc.npy" else good.read(name))
    reason(path)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "fuzzed.npz"


def loads_or_says_why(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        recording = load_recording(path)
    except RecordingError:
        reason(path)
    else:
        assert np.isfinite(recording.acc_mps2).all()
        assert recording.acc_mps2.shape == recording.gyr_rad_s.shape
        assert len(list(ReplayedSource(recording))) > 0


@given(st.binary(max_size=400))
def test_any_bytes(scratch: Path, content: bytes) -> None:
    loads_or_says_why(scratch, content)


STORED = io.BytesIO()
np.savez(STORED, **arrays())  # uncompressed, so that damage reaches the arrays


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_recording(scratch: Path, data: st.DataObject) -> None:
    damaged = bytearray(STORED.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        # most of the file is samples; what surrounds them is of more interest
        if data.draw(st.booleans()):
            place = place % 300 if data.draw(st.booleans()) else len(damaged) - 1 - place % 700
        damaged[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(damaged), len(damaged) // 2, 50]))
    loads_or_says_why(scratch, bytes(damaged[:end]))


def packets(source: ReplayedSource) -> list[list[wire.Packet]]:
    """By pod."""
    decoded: list[list[wire.Packet]] = [[] for _ in source.pods]
    for arrival in source:
        decoded[arrival.pod].append(wire.decode(arrival.packet))
    return decoded


@pytest.fixture
def recording(save: Save) -> Recording:
    return load_recording(save())


@given(batch=st.integers(1, wire.MAX_SAMPLES))
@settings(max_examples=19)
def test_every_sample_is_sent_once(batch: int, scratch: Path) -> None:
    scratch.write_bytes(saved(arrays()))
    recording = load_recording(scratch)
    source = ReplayedSource(recording, "someone", batch)
    for pod, sent in enumerate(packets(source)):
        info = source.pods[pod].info
        assert source.pods[pod].runner == "someone"
        assert info.placement == recording.placements[pod]
        assert [packet.sequence for packet in sent] == list(range(len(sent)))
        assert {len(packet.samples) for packet in sent[:-1]} == {batch}
        raw = np.concatenate([packet.samples for packet in sent]).astype(float)
        for columns, scale, want in (
            (slice(0, 3), info.acc_nm_s2_per_lsb, recording.acc_mps2[pod]),
            (slice(3, 6), info.gyr_nrad_s_per_lsb, recording.gyr_rad_s[pod]),
        ):
            np.testing.assert_allclose(raw[:, columns] * scale * 1e-9, want, atol=0.51e-9 * scale)
        clocks = [packet.pod_clock_us for packet in sent]
        np.testing.assert_allclose(clocks, recording.time_s[::batch] * 1e6, atol=0.51)


def test_a_packet_arrives_with_its_last_sample(recording: Recording) -> None:
    arrivals = list(ReplayedSource(recording, batch=8))
    assert [arrival.arrival_s for arrival in arrivals[:4]] == pytest.approx(
        [7 / RATE_HZ, 7 / RATE_HZ, 15 / RATE_HZ, 15 / RATE_HZ]
    )
    times = [arrival.arrival_s for arrival in arrivals]
    assert times == sorted(times)
    assert times[-1] == recording.duration_s
    assert list(ReplayedSource(recording, batch=8)) == arrivals


@pytest.mark.parametrize(
    ("peak_g", "range_g", "clipped"), [(10, 16, False), (16, 16, True), (17, 32, False)]
)
def test_the_range_holds_the_peak(peak_g: float, range_g: float, clipped: bool, save: Save) -> None:
    peak = peak_g * 9.80665
    recording = load_recording(save(**bad("acc", with_value((0, 100, 0), -peak))))
    source = ReplayedSource(recording)
    scales = [pod.info.acc_nm_s2_per_lsb for pod in source.pods]
    assert scales == [round(range_g * 9.80665e9 / 32768), round(16 * 9.80665e9 / 32768)]
    flags = [packet.flags for packet in packets(source)[0]]
    assert flags.count(wire.PacketFlag.CLIPPED) == clipped
    sent = packets(source)[0][12].samples[4, 0].item() * scales[0] * 1e-9
    assert sent == pytest.approx(-peak, rel=1e-4)


def test_a_hole_is_spanned_by_no_packet(save: Save) -> None:
    t = arrays()["t"]
    t[103:] += 40 / RATE_HZ  # five packets of eight are missing
    recording = load_recording(save(t=t))
    sent = packets(ReplayedSource(recording))[0]
    assert [len(packet.samples) for packet in sent[:15]] == [*[8] * 12, 7, 8, 8]
    assert [packet.sequence for packet in sent[11:15]] == [11, 12, 18, 19]
    assert sent[13].pod_clock_us == round(recording.time_s[103] * 1e6)


def test_the_pod_clock_wraps(save: Save) -> None:
    rate, count = 52.0, 225_000  # 72 minutes, just over 2**32 us
    acc = np.zeros((1, count, 3), np.float32)
    acc[..., 1] = 9.81
    path = save(fs=rate, t=np.arange(count) / rate, pods=np.array(["pelvis"]), acc=acc, gyr=0 * acc)
    sent = packets(ReplayedSource(load_recording(path), batch=19))[0]
    assert sent[-1].pod_clock_us < sent[0].pod_clock_us + 60e6
    assert sent[-1].sequence == len(sent) - 1


def test_times_rounded_to_milliseconds_are_even_enough(save: Save) -> None:
    rate_hz = 416.0
    t = np.round(np.arange(SAMPLES * 2) / rate_hz, 3)
    rng = np.random.default_rng(1)
    acc = rng.normal(0.0, 3.0, (2, len(t), 3)) + np.array([0.0, 9.81, 0.0])
    path = save(fs=rate_hz, t=t, acc=acc, gyr=rng.normal(0.0, 2.0, acc.shape))
    source = ReplayedSource(load_recording(path))
    assert len(list(source)) == 2 * -(-len(t) // 8)


def test_standing_cannot_end_outside_the_recording(save: Save) -> None:
    assert "stand_end" in reason(save(t=1e6 + np.arange(SAMPLES) / RATE_HZ, stand_end=5.0))


def test_a_dead_pod_is_named(save: Save) -> None:
    acc = arrays()["acc"]
    acc[1] = 0.0
    assert "dead pod" in reason(save(acc=acc))


def test_a_pelvis_that_mostly_falls_is_no_reason_to_doubt_the_unit(save: Save) -> None:
    acc = np.zeros((2, SAMPLES, 3))
    acc[:, ::4, 1] = 40.0  # carried for a quarter of the time
    acc[:, 1::4, 1] = 1.0
    assert load_recording(save(acc=acc)).acc_mps2.max() == 40.0
