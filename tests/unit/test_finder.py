"""Which adapters can be used, and which of them takes a new pod; refusals say what to do."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from bleak.backends.device import BLEDevice
from hypothesis import given
from hypothesis import strategies as st

from stridehub.errors import RadioError
from stridehub.model import KnownPod, Placement
from stridehub.pods.finder import Sightings, usable_adapters
from stridehub.pods.provisioning import choose_adapter
from stridehub.pods.radio import Host, HostAdapter, Sighting

POD = "F0:D6:16:00:00:01"
ADDRESSES = tuple(f"F0:00:00:00:00:0{number}" for number in range(1, 5))
USUAL_LINKS = 7


def adapter(number: int, *, powered: bool = True) -> HostAdapter:
    return HostAdapter(ADDRESSES[number], f"hci{number}", powered)


@dataclass(frozen=True)
class Machine:
    """A Host with these adapters, on which nothing else can be done."""

    present: Sequence[HostAdapter] = ()
    fault: RadioError | None = None

    async def adapters(self) -> list[HostAdapter]:
        if self.fault is not None:
            raise self.fault
        return list(self.present)

    async def power_on(self, name: str) -> None:
        raise RadioError(name, "must not be switched")

    async def power_cycle(self, name: str) -> None:
        raise RadioError(name, "must not be switched")

    async def forget(self, name: str, address: str) -> None:
        raise RadioError(name, "must not forget")

    async def hang_up(self, name: str, addresses: Collection[str]) -> Collection[str]:
        raise RadioError(name, "must not hang up")

    @asynccontextmanager
    async def pairing(self, name: str, address: str) -> AsyncIterator[None]:
        raise RadioError(name, "must not pair")
        yield


def usable(host: Host, allowed: Sequence[str] = ()) -> list[HostAdapter]:
    return asyncio.run(usable_adapters(host, allowed))


# ---- which can be used ----


def test_all_that_are_switched_on_can_be_used() -> None:
    host = Machine([adapter(0), adapter(1, powered=False), adapter(2)])
    assert usable(host) == [adapter(0), adapter(2)]


def test_only_allowed_ones_can_be_used_however_they_are_written() -> None:
    host = Machine([adapter(0), adapter(1), adapter(2)])
    allowed = [ADDRESSES[2].lower(), ADDRESSES[0], "AA:AA:AA:AA:AA:AA"]
    assert usable(host, allowed) == [adapter(0), adapter(2)]


def test_a_machine_that_writes_addresses_small_is_understood() -> None:
    small = HostAdapter("f0:00:00:00:00:0a", "hci0", powered=True)
    assert usable(Machine([small]), ["F0:00:00:00:00:0A"]) == [small]


REFUSALS = {
    "no adapter": (Machine(), (), "plug one in"),
    "no adapter, one wanted": (Machine(), ADDRESSES[:1], "plug one in"),
    "switched off": (Machine([adapter(0, powered=False)]), (), "bluetoothctl power on"),
    "blocked": (Machine([adapter(0, powered=False)]), (), "rfkill unblock bluetooth"),
    "another one wanted": (Machine([adapter(0)]), ADDRESSES[1:2], "configuration"),
    "the wanted one off": (
        Machine([adapter(0), adapter(1, powered=False)]), ADDRESSES[1:2], "configuration",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("host", "allowed", "advice"), REFUSALS.values(), ids=REFUSALS)
def test_where_none_can_be_used_the_refusal_says_what_to_do(
    host: Machine, allowed: Sequence[str], advice: str
) -> None:
    with pytest.raises(RadioError, match=advice):
        usable(host, allowed)


def test_a_trouble_of_bluetooth_comes_through_as_it_is() -> None:
    fault = RadioError("D-Bus", "does not answer")
    with pytest.raises(RadioError) as caught:
        usable(Machine(fault=fault))
    assert caught.value is fault


# ---- which takes a pod ----


def sighting(rssi_dbm: int = -60, *, bonded: bool = False) -> Sighting:
    return Sighting(BLEDevice(POD, "L07", {}), "L07", rssi_dbm, bonded, None)


def pods_on(number: int, count: int) -> list[KnownPod]:
    """Pods of this hub that an adapter already holds."""
    return [
        KnownPod(f"F0:D6:16:00:0{number}:{pod:02}", "", Placement.PELVIS, "r1", ADDRESSES[number])
        for pod in range(10, 10 + count)
    ]


def chosen(
    seen: dict[int, Sighting],
    known: Collection[KnownPod] = (),
    most_links: dict[int, int] | None = None,
    usual_links: int = USUAL_LINKS,
) -> int:
    """The number of the adapter, of four."""
    adapters = [adapter(number) for number in range(4)]
    sightings: Sightings = {(ADDRESSES[number], POD): each for number, each in seen.items()}
    measured = {ADDRESSES[number]: links for number, links in (most_links or {}).items()}
    return adapters.index(choose_adapter(POD, sightings, adapters, known, measured, usual_links))


def test_the_only_adapter_that_hears_the_pod_takes_it() -> None:
    assert chosen({2: sighting(-90)}) == 2


def test_the_adapter_with_the_bond_takes_it_though_it_has_less_room() -> None:
    seen = {0: sighting(-40), 1: sighting(-90, bonded=True)}
    assert chosen(seen, pods_on(1, 6)) == 1


def test_without_a_bond_the_one_with_most_links_to_spare_takes_it() -> None:
    seen = {0: sighting(-40), 1: sighting(-80), 2: sighting(-40)}
    assert chosen(seen, [*pods_on(0, 3), *pods_on(1, 1), *pods_on(2, 2)]) == 1


def test_of_equals_the_one_that_hears_best_takes_it() -> None:
    assert chosen({0: sighting(-70), 1: sighting(-50), 2: sighting(-60)}) == 1


def test_what_an_adapter_has_proved_to_hold_counts() -> None:
    seen = {0: sighting(), 1: sighting()}
    assert chosen(seen, pods_on(1, 2), {0: 3}) == 1
    assert chosen(seen, pods_on(1, 5), {0: 3}) == 0


def test_an_adapter_never_holds_more_than_is_usual() -> None:
    """However many it has proved to hold."""
    seen = {0: sighting(), 1: sighting()}
    assert chosen(seen, [*pods_on(0, 2), *pods_on(1, 1)], {0: 20}, usual_links=3) == 1


def test_a_full_adapter_is_passed_over_even_with_the_bond() -> None:
    seen = {0: sighting(bonded=True), 1: sighting(-90)}
    assert chosen(seen, pods_on(0, 3), {0: 3}) == 1


def test_a_pod_that_is_provisioned_anew_needs_no_second_place() -> None:
    itself = KnownPod(POD, "L07", Placement.SHANK_L, "r1", ADDRESSES[0])
    assert chosen({0: sighting(bonded=True)}, [itself, *pods_on(0, USUAL_LINKS - 1)]) == 0


def test_where_all_are_full_the_refusal_says_how_full_and_what_to_do() -> None:
    with pytest.raises(RadioError) as caught:
        chosen({0: sighting(), 1: sighting()}, [*pods_on(0, 3), *pods_on(1, 7)], {0: 3})
    told = str(caught.value)
    for part in (f"{ADDRESSES[0]} 3", f"{ADDRESSES[1]} 7", "add a USB adapter", "--forget"):
        assert part in told
    assert len(told.splitlines()) == 1


@given(
    seen=st.dictionaries(
        st.integers(0, 3),
        st.builds(sighting, st.integers(-100, -30), bonded=st.booleans()),
        min_size=1,
    ),
    counts=st.tuples(*[st.integers(0, 8)] * 4),
    measured=st.dictionaries(st.integers(0, 3), st.integers(1, 9)),
)
def test_the_choice_hears_the_pod_has_room_and_none_is_better(
    seen: dict[int, Sighting], counts: tuple[int, ...], measured: dict[int, int]
) -> None:
    known = [pod for number, count in enumerate(counts) for pod in pods_on(number, count)]
    room = {n: min(USUAL_LINKS, measured.get(n, USUAL_LINKS)) - counts[n] for n in seen}
    try:
        choice = chosen(seen, known, measured)
    except RadioError:
        assert all(free <= 0 for free in room.values())
        return
    assert room[choice] > 0
    for number, each in seen.items():
        if room[number] > 0:
            assert seen[choice].bonded >= each.bonded
            if seen[choice].bonded == each.bonded:
                assert room[choice] >= room[number]
