"""The page in a process of its own: settings come on standard input, whose end ends it."""

import asyncio
import sys

import msgspec

from stridehub.dashboard.server import PageSettings, serving


async def _serve(settings: PageSettings) -> None:
    async with serving(settings) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


def main() -> None:
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=PageSettings)
    asyncio.run(_serve(settings))


if __name__ == "__main__":
    main()
