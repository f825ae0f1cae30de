"""One direction of a connection: bytes from one socket, through a chain of toxics, to the other socket."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from harness.proxy.embedded.chunk import chunks_of
from harness.proxy.embedded.endpoint import Endpoint
from harness.proxy.embedded.metrics import ByteCount
from harness.proxy.embedded.pipe import Outlet
from harness.proxy.embedded.toxic_stage import ToxicStage
from harness.proxy.embedded.toxics import EmbeddedToxic

__all__ = ["NamedToxic", "ToxicLink"]


@dataclass(frozen=True)
class NamedToxic:
    """A toxic as set on a proxy."""

    name: str
    stream: str
    """Upstream or downstream in any case; shown as it was given."""
    toxicity: float
    toxic: EmbeddedToxic

    @property
    def direction(self) -> str:
        """The stream in lower case."""
        return self.stream.lower()


class ToxicLink:
    """Carries bytes from `source` to `sink`. Without toxics they go straight from socket to socket."""

    def __init__(
        self, source: Endpoint, sink: Endpoint, count: ByteCount, generator_for: Callable[[str], Random]
    ) -> None:
        self._source = source
        self._sink = sink
        self._count = count
        self._generator_for = generator_for
        self._stages: list[ToxicStage] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._entry: Outlet = sink
        sink.count = count
        sink.on_room = self._room_came
        source.on_data = self._feed
        source.on_end = self._source_ended
        self._room_came()

    def add(self, named: NamedToxic) -> None:
        """Append a toxic to the chain; the chunk that the previous toxic is handling bypasses it."""
        generator = self._generator_for(named.name)
        stage = ToxicStage(named.name, named.toxic, named.toxicity, generator, self._sink)
        stage.input.on_room = self._room_came
        if self._stages:
            self._stages[-1].redirect(stage.input)
        else:
            self._entry = stage.input
        self._stages.append(stage)
        self._room_came()
        task = self._loop.create_task(stage.work(self._leave))
        self._tasks.add(task)
        task.add_done_callback(partial(self._stopped, stage))

    def update(self, named: NamedToxic) -> None:
        """Replace a toxic of the chain."""
        self._present(named.name).update(named.toxic, named.toxicity)

    def remove(self, name: str) -> None:
        """Remove a toxic from the chain, once it has passed on what it holds."""
        stage = self._present(name)
        position = self._stages.index(stage)
        if position:
            self._stages[position - 1].interrupt()
        stage.remove()

    def cancel(self) -> None:
        """Stop all work; what is held is lost."""
        for task in self._tasks:
            task.cancel()

    def _present(self, name: str) -> ToxicStage:
        # The newest: an older stage of that name may still be passing on what it held when it was removed.
        return next(stage for stage in reversed(self._stages) if stage.name == name)

    def _stopped(self, stage: ToxicStage, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error:
            # A buggy toxic must not leave the receiver waiting forever.
            stage.finish()
            self._loop.call_exception_handler({"message": f"toxic {stage.name} failed", "exception": error})

    def _leave(self, stage: ToxicStage) -> None:
        position = self._stages.index(stage)
        if position:
            self._stages[position - 1].bypass(stage)
        else:
            self._entry = stage.output
        del self._stages[position]
        self._room_came()

    def _feed(self, data: bytes) -> None:
        self._count.received += len(data)
        if self._stages:
            for piece in chunks_of(data):
                self._entry.put(piece)
        else:
            self._sink.put(data)
        if not self._entry.has_room:
            self._source.pause()

    def _room_came(self) -> None:
        # Two stages may wait for the sink: the last, and one that still holds a chunk from when it was last.
        for stage in self._stages:
            stage.room_came()
        if self._entry.has_room:
            self._source.resume()

    def _source_ended(self) -> None:
        self._entry.end()
