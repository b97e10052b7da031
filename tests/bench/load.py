"""A group on one hub, through the real mosquitto: is every message there, in order and in time?

    python tests/bench/load.py [--runners 30] [--seconds 600]

Packets come from synthetic runners in another process; kernels, coaches, store and publisher are
the hub's own, and what it uses of a processor is told without them. A consumer judges all that
arrives. Prints a report; exits 1 above a bar.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mosquitto import Mosquitto
from runners_on_a_pipe import frames, wearers
from stridehub.config import HapticsConfig, HubConfig, MqttConfig
from stridehub.pods.simulated import SimulatedSource
from uplinked import NO_PODS, Uplinked

TESTS = Path(__file__).resolve().parent.parent
MOST_CPU_SHARE = 0.30
MOST_LATENCY_MS = 100.0  # p99, of strides
READ_BYTES = 1 << 16


async def measure(config: HubConfig, runners: int, seconds: float) -> dict[str, float]:
    """Strides that were measured, and the share of a core it took."""
    hub = Uplinked(config)
    team = hub.team
    for wearer in wearers(runners):
        team.add_runner(wearer.profile)
    takes = [team.pipeline.plug(worn) for worn in SimulatedSource(wearers(runners)).pods]
    process = await asyncio.create_subprocess_exec(
        sys.executable, TESTS / "runners_on_a_pipe.py", str(runners), str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    waiting = bytearray()
    begun_s = begun_cpu_s = 0.0
    async with hub.uplink.running(team, NO_PODS):
        while data := await process.stdout.read(READ_BYTES):
            if not begun_s:
                begun_s, begun_cpu_s = time.monotonic(), time.process_time()
            waiting += data
            for arrival in frames(waiting):
                takes[arrival.pod](arrival.packet, arrival.arrival_s)
        took_s, cpu_s = time.monotonic() - begun_s, time.process_time() - begun_cpu_s
        team.finish()
    await process.wait()
    return {"strides": hub.strides, "seconds": took_s, "hub_cpu_share": cpu_s / took_s}


def measured(runners: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, Mosquitto() as broker:
        config = HubConfig(
            hub="load",
            state_dir=folder,
            mqtt=MqttConfig(host="127.0.0.1", port=broker.port),
            haptics=HapticsConfig(drivers=("console",)),
        )
        consumer = subprocess.Popen(
            [
                sys.executable, TESTS / "system" / "consume.py",
                "--port", str(broker.port), "--seconds", "1e6", "--client-id", "load",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert consumer.stderr is not None
        assert consumer.stderr.readline() == "reading\n"
        result: dict[str, Any] = asyncio.run(measure(config, runners, seconds))
        time.sleep(2.0)
        consumer.send_signal(signal.SIGINT)
        told, _ = consumer.communicate()
        result["consumer"] = json.loads(told)
        return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runners", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=600.0)
    given = parser.parse_args()
    result = measured(given.runners, given.seconds)
    judged = result.pop("consumer")
    arrived = judged["kinds"].get("StrideMessage", 0)
    latency = judged["latency_ms"].get("StrideMessage", {})
    print(f"{given.runners} runners, {result['seconds']:.0f} s: {result['strides']} strides")
    faults = {name: judged[name] for name in ("missing", "out_of_order", "duplicates", "faults")}
    print(f"  arrived {arrived}; {faults}")
    print(f"  from stride to consumer, ms: {latency}")
    print(f"  hub: {result['hub_cpu_share']:.1%} of a core")
    print(f"  messages: {judged['kinds']}")
    for fault in judged["first_faults"]:
        print(f"  {fault}")
    is_good = (
        judged["is_good"]
        and arrived == result["strides"]
        and latency["p99"] <= MOST_LATENCY_MS
        and result["hub_cpu_share"] <= MOST_CPU_SHARE
    )
    print("good" if is_good else "NOT GOOD")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
