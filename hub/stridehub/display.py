"""What the commands show on a terminal while they work."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


_PLAIN_EVERY = 10  # calls of the live table for one line where there is no terminal


@contextmanager
def progress(title: str, total_s: float) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, moved by calling what is yielded with the seconds done.

    Nothing where standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task(title, total=total_s)
        yield lambda done_s: bar.update(task, completed=done_s)


@dataclass(frozen=True, slots=True)
class TableView:
    """A table of text, with a line below it."""

    title: str
    columns: Sequence[tuple[str, str]]  # heading and unit; the first is the row's name
    rows: Sequence[Sequence[str]]
    footer: str

    def plain(self) -> str:
        """In columns, without colours or units, for pipes and files."""
        rows = [[heading for heading, _ in self.columns], *self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, *([self.footer] if self.footer else [])])

    def rendered(self) -> "RenderableType":
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=self.title,
            box=box.SIMPLE_HEAD,
            padding=0,  # all columns fit into 80 characters
            show_edge=False,
            title_justify="left",
            title_style="bold",
        )
        for place, (heading, unit) in enumerate(self.columns):
            head = Text(heading).append(f"\n{unit}", style="dim")
            table.add_column(head, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*map(Text, row))  # what pods say is no markup
        return Group(table, Text(f"\n{self.footer}"))


def print_table(view: TableView) -> None:
    """On standard output, coloured where that is a terminal."""
    if not sys.stdout.isatty():
        print(view.plain())
        return
    from rich.console import Console

    Console().print(view.rendered())


@contextmanager
def live_table(*, is_quiet: bool = False) -> Iterator[Callable[[TableView], None]]:
    """Standard output as a table that stays in place, redrawn by calling what is yielded.

    Where standard output is no terminal, the footer goes to standard error now and then, unless
    it is to be quiet.
    """
    if not sys.stdout.isatty() and is_quiet:
        yield lambda view: None
        return
    if not sys.stdout.isatty():
        calls = count()
        yield lambda view: None if next(calls) % _PLAIN_EVERY else _tell(view.footer)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(), auto_refresh=False) as live:
        yield lambda view: live.update(view.rendered(), refresh=True)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)
