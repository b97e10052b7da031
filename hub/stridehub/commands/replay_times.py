"""Results with times from a recording's beginning on, whatever the hub's clock said."""

import msgspec

from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.commands.json_lines import Write
from stridehub.model import Stride

_TIMES: dict[type, tuple[str, ...]] = {
    Stride: ("ic", "to", "next_ic"),
    Cue: ("t", "foot_strike_s", "arrival_s", "decided_s", "edge_s"),
    CueFollowUp: ("t",),
}


def since(begin_s: float, write: Write) -> Write:
    """Writes strides, cues and follow-ups with `begin_s` taken off their hub times."""

    def write_since(item: msgspec.Struct) -> None:
        times_s = {name: getattr(item, name) for name in _TIMES[type(item)]}
        known = {name: time_s - begin_s for name, time_s in times_s.items() if time_s is not None}
        write(msgspec.structs.replace(item, **known))

    return write_since
