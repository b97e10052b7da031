"""Reads all that hubs publish for a while, and says what is missing, odd or late.

    python tests/system/consume.py --port 1883 --seconds 60 [--client-id ID]

Prints a report as JSON; exits 1 where a message is missing, out of order or not as
docs/asyncapi.json has it, or where fewer came than --least. It has to run before the hub begins a
session, to see it from its beginning. With --client-id, a new one for each run, the broker keeps
what comes while the connection is down. Ctrl-C ends it early.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consumer import EVERYTHING, Consumer


def main() -> int:
    given = arguments()
    consumer = Consumer(
        given.port,
        given.host,
        client_id=given.client_id,
        user=given.user,
        password=os.environ.get("MQTT_PASSWORD", ""),
        topics=given.topics,
    )
    try:
        with consumer:
            print("reading", file=sys.stderr)
            consumer.judge_for(given.seconds)
    except KeyboardInterrupt:
        consumer.judge_now()
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    judge = consumer.judge
    print(json.dumps(judge.report(), indent=1))
    return 0 if judge.is_good and judge.in_sequence >= given.least else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--least", type=int, default=1, help="numbered messages (default: 1)")
    parser.add_argument("--client-id", default="", help="what is missed is kept by the broker")
    parser.add_argument("--user", default="", help="the password: MQTT_PASSWORD")
    parser.add_argument("--topics", default=EVERYTHING)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
