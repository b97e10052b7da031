"""What a session is for: its goal, its blocks and its limits."""

from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from itertools import accumulate
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from stridehub.errors import ConfigError
from stridehub.model import CueKind

_PLANS = "stridehub.coaching"  # the package whose folder `plans` holds the ready-made ones


class BlockKind(StrEnum):
    WARM_UP = "warm_up"  # no cues
    TECHNIQUE = "technique"  # cues
    FREE = "free"  # no cues: does it last?
    DRILL = "drill"  # no cues; repetitions are counted


class DrillKind(StrEnum):
    FOOT_PULL = "foot_pull"
    START_STOP_LEAN = "start_stop_lean"


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: BlockKind
    minutes: Annotated[float, Meta(gt=0.0, le=600.0)]
    drill: DrillKind | None = None

    def __post_init__(self) -> None:
        if (self.kind is BlockKind.DRILL) is not (self.drill is not None):
            raise ValueError("a drill block, and no other, names its drill")


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without blocks it is all technique; after the last block the runner runs free."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    goal: Annotated[str, Meta(max_length=400)] = ""
    cues: tuple[CueKind, ...] = ()
    forefoot: bool = False  # moves towards the forefoot: the calves are guarded from the start
    blocks: tuple[Block, ...] = ()
    coaching: Mapping[str, Any] = {}  # numbers of this session's own, as in rules.py

    def block_number(self, session_s: float) -> int:
        """Of the block in force; the number of blocks after the last one."""
        ends_s = accumulate(60.0 * block.minutes for block in self.blocks)
        return sum(end_s <= session_s for end_s in ends_s)

    def block_at(self, session_s: float) -> Block | None:
        """The block in force; None after the last one, or where there are none."""
        number = self.block_number(session_s)
        return self.blocks[number] if number < len(self.blocks) else None

    def allows_cues(self, session_s: float) -> bool:
        if not self.blocks:
            return True
        block = self.block_at(session_s)
        return block is not None and block.kind is BlockKind.TECHNIQUE


def ready_made() -> list[str]:
    """The names under which plans can be asked for."""
    folder = resources.files(_PLANS) / "plans"
    return sorted(
        file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")
    )


def ready_made_plan(name: str) -> Plan:
    """Raises ConfigError where there is none of that name."""
    if name not in ready_made():
        raise ConfigError(name, f"no such plan; there are {', '.join(ready_made())}, or a file")
    content = (resources.files(_PLANS) / "plans" / f"{name}.toml").read_bytes()
    return msgspec.toml.decode(content, type=Plan)
