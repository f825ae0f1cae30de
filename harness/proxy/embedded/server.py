"""The server: the HTTP API on a socket, until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

from harness.proxy.embedded.address import listening_socket, shown_address
from harness.proxy.embedded.api import Api
from harness.proxy.embedded.proxies import Proxies

__all__ = ["serve"]


async def serve(host: str, port: int, seed: int, on_listening: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then close every proxy.

    Port 0 takes a free one; `on_listening` gets the address as HOST:PORT once requests are answered.
    Raises ListenFailedError when the address cannot be bound.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    bound = await listening_socket(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    proxies = Proxies(seed)
    runner = web.ServerRunner(web.Server(Api(proxies).answer))
    await runner.setup()
    try:
        await web.SockSite(runner, bound).start()
        on_listening(shown_address(bound.family, bound.getsockname()[:2]))
        await stopping.wait()
    finally:
        await proxies.close()
        await runner.cleanup()
