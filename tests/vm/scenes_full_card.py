"""A card without room: the hub measures on, says so, and goes on where there is room again."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vm.field import Field
from vm.kept import SESSIONS, is_sound
from vm.units import STATE, shell

_KEPT = "/var/tmp/stridehub-state"
_CARD_MB = 64
_FILLER = STATE / "filler"
_FULL_S = 20.0  # that it stays so


async def full_card(field: Field) -> None:
    outcome, hub, coach = field.outcome, field.hub, field.coach
    with _small_card(field):
        await field.all_stream()
        process, before = hub.process, coach.strides
        _fill()
        begun_s = time.monotonic()
        while not coach.status_says("degraded", "store"):
            _fill()  # what the hub makes room with
            await asyncio.sleep(1.0)
            if time.monotonic() - begun_s > 120.0:
                raise TimeoutError(f"no word of the card: {coach.status}")
        outcome.tell(coach_hears_after_s=time.monotonic() - begun_s)
        outcome.tell(coach_hears=coach.status.get("reasons"), says=hub.status)
        outcome.check(hub.has_logged("(?i)full|space"), "the journal says nothing of it")
        for _ in range(round(_FULL_S)):
            _fill()
            await asyncio.sleep(1.0)
        outcome.check(hub.is_active, "not active while the card is full")
        outcome.check(hub.process == process, "the hub was started anew")
        outcome.tell(while_full=coach.status.get("reasons"), lost=coach.status.get("lost"))
        _FILLER.unlink()
        await field.well_again()
        outcome.check(hub.process == process, "the hub was started anew")
        outcome.check(is_sound(SESSIONS), "the file of sessions is damaged")
        outcome.tell(lost_in_all=coach.status.get("lost"), came=coach.strides - before)


@contextmanager
def _small_card(field: Field) -> Iterator[None]:
    """In memory, with what is on the large one, which comes back in the end."""
    field.hub.do("stop")
    options = f"size={_CARD_MB}m,mode=700,uid=stridehub,gid=stridehub"
    shell(
        f"rm -rf {_KEPT} && cp --archive {STATE} {_KEPT}"
        f" && mount -t tmpfs -o {options} card {STATE} && cp --archive {_KEPT}/. {STATE}/"
    )
    try:
        field.hub.do("start")
        yield
    finally:
        field.hub.do("stop")
        shell(f"umount {STATE}")
        field.hub.do("start")


def _fill() -> None:
    """To the last byte, as root."""
    with _FILLER.open("ab", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
