"""One toxic at work on one direction of one connection."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from random import Random

from harness.proxy.embedded.chunk import Chunk
from harness.proxy.embedded.pipe import Outlet, Pipe
from harness.proxy.embedded.toxics import EmbeddedToxic

__all__ = ["ToxicStage"]

_NOTHING = Chunk(memoryview(b""), 0.0)


class ToxicStage:
    """Runs a toxic between a queue and an outlet, and restarts it when it is updated.

    Nothing here waits for the network on behalf of the HTTP API: an update or a removal only leaves a note,
    and the stage acts on it as soon as the receiver takes the bytes in hand.
    """

    def __init__(self, name: str, toxic: EmbeddedToxic, toxicity: float, random: Random, output: Outlet) -> None:
        self._loop = asyncio.get_running_loop()
        self.name = name
        self.random = random
        self.written_bytes = 0
        self.input = Pipe(toxic.buffer_bytes, self._loop.time)
        self.input.on_data = self._data_came
        self.output = output
        self._next_output = output
        self._toxic = toxic
        self._toxicity = toxicity
        self._interrupted = False
        self._removed = False
        self._closed = False
        self._reading = False
        self._waiter: asyncio.Future[None] | None = None

    # Called by the toxic link.

    def update(self, toxic: EmbeddedToxic, toxicity: float) -> None:
        """Continue with new attributes; the toxicity is drawn again."""
        self._toxic, self._toxicity = toxic, toxicity
        self.interrupt()

    def interrupt(self) -> None:
        """Release the current chunk and restart the toxic."""
        self._interrupted = True
        self._wake()

    def remove(self) -> None:
        """Pass on what is held and finish, or close if the toxic asks for that."""
        self._removed = True
        self.interrupt()

    def redirect(self, outlet: Outlet) -> None:
        """Write to another outlet from the next chunk on; the current chunk still goes to the old one."""
        self._next_output = outlet
        self.interrupt()

    def bypass(self, leaving: "ToxicStage") -> None:
        """Write to the outlet of the next stage, which is empty and leaves."""
        if self.output is leaving.input:
            self.output = leaving.output
        if self._next_output is leaving.input:
            self._next_output = leaving.output
        self._wake()

    def room_came(self) -> None:
        """Check again whether the outlet has room."""
        if not self._reading:
            self._wake()

    async def work(self, leave: Callable[["ToxicStage"], None]) -> None:
        """Run until the stream is over, or until removed and drained: then call `leave` and stop."""
        while not self._removed:
            self._interrupted = False
            self.output = self._next_output
            await self._run_once()
            if self._closed or not self._interrupted:
                return self.finish()
        if self._toxic.closes_when_removed:
            return self.finish()
        await self._drain()
        leave(self)
        if self.input.ended:
            self.output.end()
        return None

    async def _run_once(self) -> None:
        if self.random.random() < self._toxicity:
            await self._toxic.run(self)
            return
        async for chunk in self:
            await self._pass_on(chunk)

    def finish(self) -> None:
        """Drop what is held and end the stream towards the receiver."""
        self.input.abandon()
        self.output.end()

    async def _drain(self) -> None:
        self.output = self._next_output
        while not self.input.empty:
            await self._pass_on(self.input.take())
            self.output = self._next_output

    # Called by the toxic: see ToxicStream.

    @property
    def ended(self) -> bool:
        """Whether everything the sender sent was read."""
        return self.input.ended

    @property
    def interrupted(self) -> bool:
        """Whether the toxic should return soon."""
        return self._interrupted

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        while chunk := await self.read():
            yield chunk

    async def read(self, within_s: float | None = None) -> Chunk:
        """Return the next chunk; an empty one at the end or when interrupted."""
        deadline_s = math.inf if within_s is None else self._loop.time() + within_s
        while not (self._interrupted or self._closed):
            if not self.input.empty:
                return self.input.take()
            if self.input.ended:
                break
            if self._loop.time() >= deadline_s:
                raise TimeoutError
            self._reading = True
            await self._wait(deadline_s)
            self._reading = False
        return _NOTHING

    async def write(self, chunk: Chunk) -> None:
        """Pass a chunk on and count it."""
        self.written_bytes += len(chunk)
        await self._pass_on(chunk)

    async def sleep(self, seconds: float) -> None:
        """Wait for the given time or until interrupted."""
        await self.sleep_until(self._loop.time() + seconds)

    async def sleep_until(self, when_s: float) -> None:
        """Wait until a time of the event loop's clock, or until interrupted."""
        if self._loop.time() >= when_s:
            await asyncio.sleep(0)  # a toxic that never has to wait must still let others run
        while not self._interrupted and self._loop.time() < when_s:
            await self._wait(when_s)

    def close(self) -> None:
        """End the stream towards the receiver."""
        self._closed = True

    # Waiting: one coroutine works here, so there is at most one waiter.

    async def _pass_on(self, chunk: Chunk) -> None:
        while not self.output.has_room:
            await self._wait(math.inf)
        self.output.put(chunk.data)

    async def _wait(self, until_s: float) -> None:
        self._waiter = self._loop.create_future()
        timer = None if math.isinf(until_s) else self._loop.call_at(until_s, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _data_came(self) -> None:
        if self._reading:
            self._wake()
