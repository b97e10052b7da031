"""Draws docs/demo.svg: the demo's own table after some seconds, without waiting for them."""

import asyncio
import re
from pathlib import Path

from rich.console import Console

from stridehub.commands.demo_session import HEAD_START_S, Session

RUNNERS, SEED, SECONDS = 4, 1, 20.0

session = Session(RUNNERS, SEED)
asyncio.run(session.play(None, until_s=HEAD_START_S + SECONDS))

with Path("/dev/null").open("w") as nowhere:
    console = Console(record=True, width=100, file=nowhere, force_terminal=True)
    console.print(session.view(session.progress_line(SECONDS)).rendered())
svg = console.export_svg(title="make demo")
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # the reader's own monospace font
Path(__file__).with_name("demo.svg").write_text(svg, encoding="utf-8")
