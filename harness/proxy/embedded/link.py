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
from harness.proxy.embedded.stage import Stage
from harness.proxy.embedded.toxics import Toxic

__all__ = ["Link", "NamedToxic"]


@dataclass(frozen=True)
class NamedToxic:
    """A toxic as set on a proxy."""

    name: str
    stream: str
    """Upstream or downstream in any case; shown as it was given."""
    toxicity: float
    toxic: Toxic

    @property
    def direction(self) -> str:
        """The stream in lower case."""
        return self.stream.lower()


class Link:
    """Carries bytes from `source` to `sink`. Without toxics they go straight from socket to socket."""

    def __init__(
        self, source: Endpoint, sink: Endpoint, count: ByteCount, generator_for: Callable[[str], Random]
    ) -> None:
        self._source = source
        self._sink = sink
        self._count = count
        self._generator_for = generator_for
        self._stages: list[Stage] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._entry: Outlet = sink
        sink.count = count
        source.on_data = self._feed
        source.on_end = self._source_ended
        self._wire()

    def add(self, named: NamedToxic) -> None:
        """Append a toxic to the chain; bytes already past the end of the chain are not touched."""
        if self._stages:
            self._stages[-1].interrupt()
        generator = self._generator_for(named.name)
        stage = Stage(named.name, named.toxic, named.toxicity, generator, self._sink)
        self._stages.append(stage)
        self._wire()
        task = self._loop.create_task(stage.work(self._leave))
        self._tasks.add(task)
        task.add_done_callback(partial(self._stopped, stage))

    def update(self, named: NamedToxic) -> None:
        """Give a toxic of the chain other attributes."""
        self._present(named.name).update(named.toxic, named.toxicity)

    def remove(self, name: str) -> None:
        """Take a toxic out of the chain, once what it holds has gone on."""
        stage = self._present(name)
        position = self._stages.index(stage)
        if position:
            self._stages[position - 1].interrupt()
        stage.remove()

    def cancel(self) -> None:
        """Stop all work; what is held is lost."""
        for task in self._tasks:
            task.cancel()

    def _present(self, name: str) -> Stage:
        # The newest: an older stage of that name may still be passing on what it held when it was removed.
        return next(stage for stage in reversed(self._stages) if stage.name == name)

    def _stopped(self, stage: Stage, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error:
            # A toxic with a bug in it must not leave the receiver waiting for ever.
            stage.finish()
            self._loop.call_exception_handler({"message": f"toxic {stage.name} failed", "exception": error})

    def _leave(self, stage: Stage) -> None:
        self._stages.remove(stage)
        self._wire()

    def _wire(self) -> None:
        outlets: list[Outlet] = [*(stage.input for stage in self._stages), self._sink]
        writers = [self._room_came, *(stage.output_changed for stage in self._stages)]
        for stage, outlet in zip(self._stages, outlets[1:], strict=True):
            stage.output = outlet
        self._entry = outlets[0]
        for writer, outlet in zip(writers, outlets, strict=True):
            outlet.on_room = writer
            writer()

    def _feed(self, data: bytes) -> None:
        self._count.received += len(data)
        if self._stages:
            for chunk in chunks_of(data, self._loop.time()):
                self._entry.put(chunk)
        else:
            self._sink.write(data)
        if not self._entry.has_room:
            self._source.pause()

    def _room_came(self) -> None:
        if self._entry.has_room:
            self._source.resume()

    def _source_ended(self) -> None:
        self._entry.end()
