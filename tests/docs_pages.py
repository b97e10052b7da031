"""The project's pages: what they tell a reader to type, to write into a file, and to look up."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHELL = ("", "sh")  # languages of fences; without one it may be a drawing, or what a program says
PAGES = ("README.md", "docs/*.md", "firmware/*.md", "systemd/*.md")
# What a line of a fence without a language begins with, when it is a command.
_PROMPT = "$ "
_PROGRAMS = ("stridehub", "make", "sudo", "python", "pytest", ".venv", ".ci/")

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class Fence:
    language: str
    body: str


@dataclass(frozen=True)
class Page:
    name: str  # from the root of the checkout
    text: str

    @property
    def fences(self) -> list[Fence]:
        found = _FENCE.finditer(self.text)
        return [Fence(fence["language"], textwrap.dedent(fence["body"])) for fence in found]

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def codes(self) -> list[str]:
        """What stands in backticks within lines, on one line."""
        return [" ".join(code.split()) for code in _CODE.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_CODE.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """Of its headings, as GitHub names them."""
        return {anchor(heading) for heading in _HEADING.findall(self.prose)}

    @property
    def commands(self) -> list[list[str]]:
        """All that is to be typed, as words; lines of options stand alone."""
        lines = [line for fence in self.fences for line in _lines(fence)]
        return [words for line in (*lines, *self.codes) for words in commands_of(line)]


def pages(root: Path) -> list[Page]:
    found = sorted(path for pattern in PAGES for path in root.glob(pattern))
    return [Page(str(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in found]


def anchor(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def commands_of(line: str) -> Iterator[list[str]]:
    """The commands of a line of a shell, without what only wraps them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for token in lexer:
            if re.fullmatch(r"[();<>|&]+", token):
                yield from _unwrapped(words)
                words = []
            else:
                words.append(token)
    except ValueError:
        return  # an apostrophe: no command
    yield from _unwrapped(words)


def _unwrapped(words: list[str]) -> Iterator[list[str]]:
    while words and (words[0] in ("sudo", "env", "exec") or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    if words:
        yield words


def _lines(fence: Fence) -> Iterator[str]:
    if fence.language not in SHELL:
        return
    for line in fence.body.replace("\\\n", " ").splitlines():
        text = line.removeprefix(_PROMPT)
        if fence.language or text != line or text.startswith(_PROGRAMS):
            yield text
