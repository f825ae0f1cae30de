"""One execution of a scenario: programs, network and faults, until both programs have ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from harness.engine.director import Director
from harness.engine.meeting import Meeting
from harness.engine.memory_sampler import sample_memory
from harness.engine.network import Network
from harness.engine.observer import Observer
from harness.engine.party import Party
from harness.engine.programs import Programs
from harness.engine.testbed import Testbed
from harness.engine.world import World
from harness.errors import HarnessError
from harness.judging.execution_result import ExecutionResult
from harness.judging.facts import Traffic
from harness.plan.link_toxics import toxics_of
from harness.plan.other_clients import SESSION, other_clients_of
from harness.plan.scenario import Scenario
from harness.processes.program import Program
from harness.proxy.client import ToxiproxyClient
from harness.proxy.errors import ProxyServerError
from harness.recording.writer import RunWriter
from harness.relay.flipper import Flipper
from harness.relay.relay import Relay
from harness.trace.event import Event
from harness.trace.memory_sample import MemorySample
from harness.trace.place import At

__all__ = ["Execution"]

START_TIMEOUT = 90.0
COUNTERS_TIMEOUT = 5.0


class Execution:
    """Executes a scenario once."""

    def __init__(
        self, scenario: Scenario, testbed: Testbed, writer: RunWriter, on_event: Callable[[Event], None]
    ) -> None:
        self._scenario = scenario
        self._testbed = testbed
        self._writer = writer
        self._on_event = on_event
        self._director = Director(scenario.planned)
        self._over = threading.Event()
        self._memory: list[MemorySample] = []
        self._trunk_address = ""
        self._dialled = "local"
        self._others = {other.party: other for other in other_clients_of(scenario)}
        self._meeting = Meeting(self._others, [SESSION, *(other.session for other in self._others.values())])
        met = dict.fromkeys(self._others, (Meeting.PLACE,))
        self._observer = Observer(tuple(planned.at for planned in scenario.planned), self._take, others=met)
        self._programs = Programs(scenario, testbed.starter, writer, self._observer.path)
        parties = {
            name: Party(name, launch, self._observer.note)
            for name, launch in (("trunk", self._launch_trunk), ("client", self._launch_client))
        }
        self._world = World(parties, self._observer, self._programs.config, self._over)

    def run(self) -> ExecutionResult:
        """Execute the scenario and return how it ended."""
        problem, traffic = "", None
        try:
            with self._observer:
                try:
                    traffic = self._run()
                except ProxyServerError:
                    raise  # says nothing about the system under test
                except HarnessError as error:
                    problem = str(error)
                finally:
                    self._over.set()
                    self._director.finish(START_TIMEOUT)
        finally:
            self._writer.close()
        # Only after the observer has ended have all events of the processes been received.
        return ExecutionResult(problem, traffic, list(self._observer.events), self._memory)

    def _run(self) -> Traffic | None:
        if self._scenario.topology == "local":
            self._train()
            return None
        trunk = self._world.parties["trunk"]
        with self._running(trunk):
            ready = self._observer.wait_for(At("trunk.server.ready"), START_TIMEOUT, meanwhile=trunk.must_live)
            self._dialled = str(ready.fields["address"])
            if self._scenario.topology == "proxy":
                return self._train_through_proxy()
            self._train()
            return None

    def _train_through_proxy(self) -> Traffic | None:
        name, upstream, server = self._writer.folder.name, self._dialled, self._testbed.toxiproxy
        assert server is not None, "only a simulated run may have a testbed without a proxy server"
        with ExitStack() as stack:
            relay = flipper = None
            if any(fault.needs_relay for fault in self._scenario.faults):
                relay = stack.enter_context(Relay(upstream, self._observer.note))
                upstream = relay.address
            if any(fault.needs_flipper for fault in self._scenario.faults):
                flipper = stack.enter_context(Flipper(upstream, self._observer.note))
                upstream = flipper.address
            proxy = server.create_proxy(name, upstream)
            stack.callback(proxy.destroy)
            for toxic in toxics_of(self._scenario.link):
                proxy.add_toxic(toxic)
            self._world.connect(Network(proxy, self._observer), relay, flipper)
            self._dialled = proxy.listen
            self._let_strangers_try()
            self._train()
            # Bytes that a broken connection took in may not have arrived, and may have been sent again.
            return None if self._scenario.planned else self._traffic(server, name)

    def _let_strangers_try(self) -> None:
        """Have strangers call the trunk before the client does, over the client's path."""
        if "strangers" not in self._scenario.checks:
            return
        from harness.fuzz.knocking import knock  # noqa: PLC0415 - few runs need gRPC in this process

        def tell(stranger: str, method: str, answer: str) -> Event:
            note = self._observer.note
            return note("harness", "stranger.answered", stranger=stranger, method=method, answer=answer)

        knock(self._scenario, self._dialled, tell)

    def _train(self) -> None:
        client = self._world.parties["client"]
        with self._other_clients(), self._running(client):
            try:
                status = client.wait_for_end(self._scenario.timeout, self._trunk_must_live)
                if status:
                    ending = f"its log ends:\n{client.program.last_lines()}"
                    raise HarnessError(f"the client ended with status {status}; {ending}")
            finally:
                self._over.set()
                # A fault in the client's last moments may still have to mend the network and restart the trunk.
                self._director.finish(START_TIMEOUT)

    @contextmanager
    def _other_clients(self) -> Iterator[None]:
        """Run the other clients, if there are any, alongside the `with` block, in which they meet the first."""
        opened = At("trunk.session.opened")
        with ExitStack() as stack:
            programs = {}
            for party, other in self._others.items():
                programs[party] = self._programs.other_client(other, self._dialled)
                stack.callback(programs[party].stop)
            for party, program in programs.items():
                own = {"session": self._others[party].session}
                self._observer.wait_for(opened, START_TIMEOUT, meanwhile=program.must_run, fields=own)
            yield
            for party, program in programs.items():
                status = program.wait(self._scenario.timeout)
                if status:
                    raise HarnessError(f"{party} ended with status {status}; {program.last_lines()}")

    @contextmanager
    def _running(self, party: Party) -> Iterator[None]:
        """Run a party for the duration of the `with` block; it must succeed."""
        party.start()
        try:
            yield
        finally:
            status = party.end()
        if status:
            raise HarnessError(f"the {party.name} ended with status {status}; {party.program.last_lines()}")

    def _trunk_must_live(self) -> None:
        """Raise `HarnessError` if the trunk has ended by itself: that causes everything that follows."""
        if self._scenario.topology != "local":
            self._world.parties["trunk"].must_live()

    def _launch_trunk(self, again: bool) -> Program:  # noqa: FBT001 - the only thing to be told
        # A trunk that never got to listen has no port to come back to.
        return self._programs.trunk(self._trunk_address.rpartition(":")[2] if again and self._trunk_address else "0")

    def _launch_client(self, again: bool) -> Program:  # noqa: FBT001 - the only thing to be told
        return self._programs.client(self._dialled, again=again)

    def _take(self, event: Event) -> None:
        self._writer.event(event)
        if event.point == "trunk.server.ready":
            self._trunk_address = str(event.fields["address"])
        elif event.point == "client.commit.applied" and event.party == "client":
            self._memory += sample_memory(self._world.parties, event.step or 0)
        self._meeting.take(event)
        if event.release is not None and event.party not in self._others:
            self._director.take(event, self._world)
        self._on_event(event)

    @staticmethod
    def _traffic(server: ToxiproxyClient, name: str) -> Traffic:
        """Return the bytes that the proxy took in; the real server counts them once it notices the connection's end.

        Not the bytes that it passed on: if the trunk sends a last message to a client that is gone, the real server
        counts nothing of what that direction carried.
        """
        pause = threading.Event()
        for _ in range(int(COUNTERS_TIMEOUT / 0.05)):
            counters = server.byte_counters(name)
            if counters.received_upstream and counters.received_downstream:
                break
            pause.wait(0.05)
        return Traffic(counters.received_upstream, counters.received_downstream)
