"""Whether a command of the docs is one: known to the real parsers, with files that are there."""

import contextlib
import io
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from stridehub import cli

# Of programs that are not the project's own, named by themselves in a text.
FOREIGN_OPTIONS = {"--system-site-packages", "--require-hashes"}
_OPTION = re.compile(r"--[a-z][a-z-]*")
_ROOMS = r"(docs|hub|native|firmware|systemd|tests|debian|\.ci)/"
_PATH = re.compile(rf"(\.\./)*({_ROOMS}[\w./*-]*|[A-Z]+\.md|Makefile|pyproject\.toml)")
_UNIT = re.compile(r"stridehub[\w.@-]*")


def problem(words: list[str], root: Path) -> str | None:
    """What is wrong with the command, in words; None: nothing, or it is none of the project's."""
    program, arguments = words[0].rpartition("/")[2], words[1:]
    if program == "stridehub":
        return _stridehub(arguments)
    if program == "make":
        return _make(arguments, root)
    if re.fullmatch(r"python3?", program):
        return _python(arguments, root)
    if program == "pytest":
        return _first(_missing(path.partition("::")[0], root) for path in _paths(arguments))
    if program in ("systemctl", "journalctl"):
        return _first(_unit(word, root) for word in arguments)
    if words[0].startswith("--"):
        return _first(_known_somewhere(word, root) for word in words)
    if _PATH.fullmatch(words[0]) and arguments:
        return _script(words[0], arguments, root)
    return None


def file_problem(code: str, folder: Path, root: Path) -> str | None:
    """What is wrong with a text that may name a file of the checkout."""
    if not _PATH.fullmatch(code):
        return None
    is_there = any(any(base.glob(code)) for base in (root, folder) if ".." not in code)
    return None if is_there or (folder / code).exists() else f"no file {code}"


def _first(problems: Iterator[str | None]) -> str | None:
    return next((found for found in problems if found), None)


# ---- stridehub ----


def _stridehub(arguments: list[str]) -> str | None:
    arguments = [word.strip("[]") for word in arguments]
    if not arguments:
        return None
    is_command = not arguments[0].startswith("-")
    try:
        text = help_of(arguments[0] if is_command else "--help")
    except ValueError:
        return f"no command {arguments[0]}"
    # argparse would take the beginning of an option for it.
    for word in arguments:
        if word.startswith("--") and not _holds(text, word.partition("=")[0]):
            return f"no option {word} in {' '.join(arguments)}"
    is_mention = is_command and len(arguments) == 1  # it may want more
    return None if is_mention else _refusal(arguments)


@cache
def help_of(command: str) -> str:
    """Raises ValueError where there is no such command."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main([command, "--help"])
        except SystemExit as ended:
            if ended.code:
                raise ValueError(command) from None
    return said.getvalue()


def command_names() -> set[str]:
    """Of all commands of the program."""
    return set(re.findall(r"^    ([a-z-]+)\b", help_of("--help"), re.MULTILINE))


def _refusal(arguments: list[str]) -> str | None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli._parser().parse_args(arguments)
        except SystemExit as ended:
            if ended.code:
                return said.getvalue().strip().splitlines()[-1]
    return None


def _known_somewhere(word: str, root: Path) -> str | None:
    """An option that is named without its command."""
    option = word.partition("=")[0]
    if not _OPTION.fullmatch(option) or option in FOREIGN_OPTIONS:
        return None
    is_one = any(_holds(help_of(name), option) for name in command_names())
    return None if is_one else f"no option {option}"


def _holds(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


# ---- make ----


def _make(arguments: list[str], root: Path) -> str | None:
    arguments = [word.strip("[]") for word in arguments]
    folder = root
    if arguments[:1] == ["-C"]:
        folder, arguments = root / arguments[1], arguments[2:]
    if not (folder / "Makefile").is_file():
        return f"no Makefile in {folder.relative_to(root)}"
    settings = [word for word in arguments if "=" in word]
    for target in arguments:
        if target not in settings and target not in _targets(folder):
            return f"no target {target}"
    for setting in settings:
        name = setting.partition("=")[0]
        if not re.search(rf"\b{name}\b", (folder / "Makefile").read_text(encoding="utf-8")):
            return f"nothing of make knows {name}"
    return _first(_made(arguments, folder, root)) if any("ARGS=" in s for s in settings) else None


@cache
def _targets(folder: Path) -> set[str]:
    said = _said(["make", "--print-data-base", "--question", "--silent", ".PHONY"], folder)
    phony = re.findall(r"^\.PHONY: (.*)$", said, re.MULTILINE)
    return set(phony[-1].split())  # the rules come after the variables, which may hold some


def _made(arguments: list[str], folder: Path, root: Path) -> Iterator[str | None]:
    """Of the commands that make would run with these ARGS."""
    for line in _said(["make", "--just-print", *arguments], folder).splitlines():
        words = line.split()
        if words and words[0].startswith(".venv/"):
            yield problem(words, root)


def _said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


# ---- python, scripts, units ----


def _python(arguments: list[str], root: Path) -> str | None:
    if not arguments:
        return None
    if arguments[0] == "-m":
        return problem(arguments[1:], root) if arguments[1:] else "-m what?"
    return _script(arguments[0], arguments[1:], root)


def _script(path: str, arguments: list[str], root: Path) -> str | None:
    """Options are looked for in its text."""
    if not _PATH.fullmatch(path):
        return None
    if not (root / path).is_file():
        return f"no file {path}"
    text = (root / path).read_text(encoding="utf-8")
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")} - {"--help"}
    return next((f"{path} knows no {word}" for word in options if not _holds(text, word)), None)


def _paths(arguments: list[str]) -> list[str]:
    return [word for word in arguments if _PATH.fullmatch(word.partition("::")[0])]


def _missing(path: str, root: Path) -> str | None:
    return None if any(root.glob(path)) else f"no file {path}"


def _unit(word: str, root: Path) -> str | None:
    if not _UNIT.fullmatch(word):
        return None
    name = word if word.endswith((".service", ".timer", ".socket")) else f"{word}.service"
    return None if (root / "systemd" / name).is_file() else f"no unit {name} in systemd/"
