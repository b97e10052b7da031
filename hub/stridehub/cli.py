"""The command line: one thin function a command."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stridehub import __version__
from stridehub.errors import ConfigError, ProfileError, StrideHubError, UnknownPlacementError
from stridehub.model import CueSide, Placement

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h

KERNEL = "stridehub.kernel._native"  # built for one kind of processor
MAX_RUNNERS = 32  # more do not fit on a screen


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else options.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on; keep the interpreter from flushing into the pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (ConfigError, ProfileError) as error:
        return _failed(error, EXIT_CONFIG)
    except StrideHubError as error:
        return _failed(error, EXIT_FAILED)
    except ImportError as error:
        if error.name != KERNEL:
            raise
        return _failed(f"the stride kernel: {error}; install stridehub anew", EXIT_FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}", EXIT_FAILED)
    except KeyboardInterrupt:
        return _failed("interrupted", EXIT_FAILED)
    return code


def _failed(reason: object, code: int) -> int:
    line = " ".join(str(reason).split())
    print(f"stridehub: {line}", file=sys.stderr)
    return code


def _demo(options: argparse.Namespace) -> int:
    from stridehub.commands.demo import Ports, demo

    demo(
        runners=options.runners,
        seconds=options.seconds,
        seed=options.seed,
        ports=Ports(options.mqtt_port, options.ws_port, options.http_port),
        browser=not options.no_browser,
    )
    return 0


def _replay(options: argparse.Namespace) -> int:
    from stridehub.commands.replay import replay

    if options.cues == options.strides == Path("-"):
        _failed("--cues and --strides: only one of them fits on standard output", EXIT_USAGE)
        return EXIT_USAGE
    replay(
        options.recording,
        strides_to=options.strides,
        cues_to=options.cues,
        realtime=options.realtime,
        profile_path=options.profile,
    )
    return 0


def _bench(options: argparse.Namespace) -> int:
    from stridehub.commands.bench import bench

    bench(runners=options.runners, seconds=options.seconds, as_json=options.json)
    return 0


def _run(options: argparse.Namespace) -> int:
    from stridehub.commands.run import run

    run(options.config)
    return 0


def _scan(options: argparse.Namespace) -> int:
    from stridehub.commands.scan import scan

    scan(options.config, options.seconds)
    return 0


def _pods(options: argparse.Namespace) -> int:
    from stridehub.commands.pods import pods

    pods(options.config, options.forget)
    return 0


def _provision(options: argparse.Namespace) -> int:
    from stridehub.commands.provision import Wish, provision

    wish = Wish(options.pod, options.placement, options.runner, options.name, options.yes)
    provision(options.config, wish)
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from stridehub.commands.calibrate import calibrate

    return 0 if calibrate(options.config, options.runner) else EXIT_FAILED


def _buzz(options: argparse.Namespace) -> int:
    from stridehub.commands.buzz import buzz

    return 0 if buzz(options.config, options.runner, CueSide(options.side)) else EXIT_FAILED


def _doctor(options: argparse.Namespace) -> int:
    from stridehub.commands.doctor import doctor

    return 0 if doctor(options.config, options.json) else EXIT_FAILED


def _dashboard(options: argparse.Namespace) -> int:
    from stridehub.commands.dashboard import dashboard

    dashboard(options.config)
    return 0


def _tidy(options: argparse.Namespace) -> int:
    from stridehub.commands.tidy import tidy

    tidy(options.config)
    return 0


def _check_config(options: argparse.Namespace) -> int:
    from stridehub.config import load_hub_config
    from stridehub.team import check_plans

    check_plans(load_hub_config(options.config))
    print("good")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stridehub", description="Running form, measured live.")
    parser.add_argument("--version", action="version", version=f"stridehub {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-v", "--verbose", action="store_true", help="tell more, on standard error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(command=function, log_level=logging.WARNING)
        return added

    def hub_command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = command(name, function, text)
        added.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            help="the hub's settings, TOML (default: stridehub.toml in /etc/stridehub for root,"
            " else in ~/.config/stridehub, if it is there)",
        )
        return added

    _add_demo(command("demo", _demo, "synthetic runners, measured live in the terminal"))
    _add_replay(command("replay", _replay, "measure the strides of a recording"))
    run = hub_command("run", _run, "the service: real pods, until Ctrl-C or SIGTERM")
    run.set_defaults(log_level=logging.INFO)
    _add_scan(hub_command("scan", _scan, "the pods that advertise around here"))
    _add_pods(hub_command("pods", _pods, "the pods of this hub, and how they are"))
    _add_provision(
        hub_command("provision", _provision, "make a pod this hub's, for a place on a runner")
    )
    _add_calibrate(
        hub_command("calibrate", _calibrate, "stand, then run: do the pods know how they sit?")
    )
    _add_buzz(hub_command("buzz", _buzz, "how strong does a cue have to be to be felt?"))
    doctor = hub_command(
        "doctor",
        _doctor,
        "what works of this hub, what does not, and what to do about it",
    )
    doctor.add_argument("--json", action="store_true", help="as a JSON list")
    tidy = hub_command("tidy", _tidy, "delete what is older, or more, than the settings keep")
    tidy.set_defaults(log_level=logging.INFO)
    hub_command("dashboard", _dashboard, "hand out the live page, until Ctrl-C or SIGTERM")
    hub_command("check-config", _check_config, "read the hub's settings, and say what is wrong")
    _add_bench(command("bench", _bench, "packets in, strides out: speed, latency, memory"))
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runners", type=_runners, default=3, metavar="N", help="how many run (default 3)"
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="S",
        help="end after S seconds (default: on Ctrl-C or S; after 60 s where the output is no"
        " terminal)",
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="K", help="of all that is random (default 1)"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the live page")
    for name, port, what in (
        ("mqtt", 1883, "of the broker"),
        ("ws", 9001, "of the broker, for pages"),
        ("http", 8080, "of the live page"),
    ):
        parser.add_argument(
            f"--{name}-port",
            type=_port,
            default=port,
            metavar="P",
            help=f"{what} (default {port}; a taken one moves to a free one)",
        )


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recording", type=Path, metavar="RECORDING", help="a hub's own, or an .npz file"
    )
    parser.add_argument(
        "--strides",
        type=Path,
        metavar="OUT.jsonl",
        help="write one JSON object a stride, - for standard output",
    )
    parser.add_argument(
        "--cues",
        type=Path,
        metavar="OUT.jsonl",
        help="write one JSON object a cue, and one for what came of it, - for standard output",
    )
    parser.add_argument("--realtime", action="store_true", help="at the pace of the recording")
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="TOML with what is known of the runner (where there are several: of the one it names),"
        " and how to coach; overrules the recording",
    )


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runners", type=_runners, default=1, metavar="N", help="how many run (default 1)"
    )
    parser.add_argument(
        "--seconds",
        type=_bench_seconds,
        default=60.0,
        metavar="S",
        help="of running, for each of them (default 60)",
    )
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")


def _add_scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=_seconds, default=10.0, metavar="S", help="for so long (default 10)"
    )


def _add_pods(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--forget", metavar="ADDRESS", help="first drop this pod, with its bond, from this hub"
    )


def _add_provision(parser: argparse.ArgumentParser) -> None:
    """What is not given is asked."""
    parser.add_argument("--pod", metavar="POD", help="its address or name, as `scan` shows it")
    parser.add_argument("--placement", type=_placement, metavar="PLACE", help="such as shank_l")
    parser.add_argument("--runner", metavar="R", help="a pseudonym of A-Z a-z 0-9 - _")
    parser.add_argument("--name", metavar="N", help="of the pod, such as L07 (default: as it is)")
    parser.add_argument("--yes", action="store_true", help="do not ask whether it is the right one")


def _add_calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runner", metavar="R", help="whose pods (default: the only runner's)")


def _add_buzz(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runner", required=True, metavar="R", help="who is to feel it")
    sides = [side.value for side in CueSide]
    parser.add_argument("--side", choices=sides, default="both", help="where (default both)")


def _number(text: str, least: float, most: float, kind: type[int] | type[float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not within {least:g}..{most:g}")
    return value


def _placement(text: str) -> Placement:
    try:
        return Placement.from_label(text)
    except UnknownPlacementError as error:
        places = ", ".join(place.label for place in Placement)
        raise argparse.ArgumentTypeError(f"{error}; one of {places}") from error


def _runners(text: str) -> int:
    return int(_number(text, 1, MAX_RUNNERS, int))


def _seed(text: str) -> int:
    return int(_number(text, 0, 2**63 - 1, int))


def _port(text: str) -> int:
    return int(_number(text, 0, 65535, int))


def _seconds(text: str) -> float:
    return _number(text, 1, 86400, float)


def _bench_seconds(text: str) -> float:
    return _number(text, 10, 3600, float)
