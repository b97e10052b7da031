"""What strangers advertise is read with care."""

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stridehub.commands.pod_table import pod_table
from stridehub.kernel.link import Advertisement, PodCondition, encode_advertisement
from stridehub.model import Placement
from stridehub.pods.radio import Sighting, sighting_of

ADDRESS = "F0:D6:16:00:00:01"
RECORD = encode_advertisement(Advertisement(Placement.SHANK_L, 3900, PodCondition.BONDED))


def seen(
    name: str | None = "L07", records: dict[int, bytes] | None = None, bonded: bool = True
) -> Sighting:
    device = BLEDevice(ADDRESS, name, {"props": {"Bonded": bonded}})
    data = {0xFFFF: RECORD} if records is None else records
    heard = AdvertisementData(name, data, {}, [], None, -60, ())
    return sighting_of(device, heard)


def test_a_pods_record_is_found_under_any_company() -> None:
    for company in (0x0059, 0xFFFF):
        sighting = seen(records={0x004C: b"\x02\x15", company: RECORD})
        assert sighting.advertisement == Advertisement(Placement.SHANK_L, 3900, PodCondition.BONDED)
        assert sighting.bonded


def test_another_version_is_known_as_such() -> None:
    assert seen(records={0xFFFF: bytes([0x29]) + RECORD[1:]}).is_other_version
    assert not seen(records={0xFFFF: RECORD[:-1]}).is_other_version


@given(st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=40), max_size=3))
def test_any_manufacturer_data_is_read_without_harm(records: dict[int, bytes]) -> None:
    sighting = seen(records=records)
    assert (sighting.advertisement is None) == (sighting.problem is not None)


@given(st.text(max_size=40))
def test_any_name_is_shown_and_obeyed_by_no_terminal(name: str) -> None:
    sighting = seen(name)
    table = pod_table("pods", {("hub", ADDRESS): sighting}, [], "")
    assert all(sign.isprintable() or sign == "\n" for sign in table.plain())
    with open("/dev/null", "w") as nowhere:
        Console(file=nowhere, width=200).print(table.rendered())


def test_a_name_that_looks_like_markup_is_shown_as_it_is() -> None:
    table = pod_table("pods", {("hub", ADDRESS): seen("[/bold]")}, [], "")
    with open("/dev/null", "w") as nowhere:
        console = Console(file=nowhere, width=200, record=True)
        console.print(table.rendered())
    assert "[/bold]" in console.export_text()
