"""The page in a process of its own: settings come on standard input, whose end ends it.

Says its URL, or why there is none.
"""

import asyncio
import sys

import msgspec

from stridehub.dashboard.server import serving
from stridehub.dashboard.settings import PageSettings


async def _serve(settings: PageSettings) -> None:
    async with serving(settings) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


def main() -> int:
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=PageSettings)
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        print(f"cannot listen there: {error.strerror or error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
