"""Synthetic runners in a process of their own: packets on standard output, each at its time.

    python tests/runners_on_a_pipe.py RUNNERS SECONDS

What they cost is no hub's. A frame is the pod's place, the packet's length, the hub time of its
arrival and the packet; what the pods are follows from RUNNERS and SEED.
"""

import os
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import Arrival
from stridehub.synthetic import STANDING_S, SyntheticWearer, synthetic_wearers

SEED = 1
HEAD = struct.Struct("<HHd")
_AHEAD_S = 3.0  # packets are made half a second of a runner at a time
_TURN_S = 0.01
_NICE = 10  # making them takes most of a core, and shall not be in the way of what is measured


def wearers(runners: int) -> Sequence[SyntheticWearer]:
    return synthetic_wearers(runners, SEED)


def frames(data: bytearray) -> Iterator[Arrival]:
    """Takes whole ones from the beginning."""
    at = 0
    while at + HEAD.size <= len(data):
        pod, length, arrival_s = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        if end > len(data):
            break
        yield Arrival(pod, bytes(data[at + HEAD.size : end]), arrival_s)
        at = end
    del data[:at]


def main(runners: int, seconds: float) -> None:
    os.nice(_NICE)
    made: deque[Arrival] = deque()
    now_s = STANDING_S
    end_s = STANDING_S + seconds

    def make() -> None:
        for arrival in SimulatedSource(wearers(runners)):
            while arrival.arrival_s > now_s + _AHEAD_S:
                time.sleep(_TURN_S)
            made.append(arrival)
            if arrival.arrival_s > end_s:
                return

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    while maker.is_alive() and (not made or made[-1].arrival_s < now_s + _AHEAD_S / 2):
        time.sleep(_TURN_S)
    begun_s = time.monotonic()
    while maker.is_alive() or made:
        now_s = STANDING_S + time.monotonic() - begun_s
        while made and made[0].arrival_s <= now_s:
            arrival = made.popleft()
            head = HEAD.pack(arrival.pod, len(arrival.packet), arrival.arrival_s)
            sys.stdout.buffer.write(head + arrival.packet)
        sys.stdout.buffer.flush()
        time.sleep(_TURN_S)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
