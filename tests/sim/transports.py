"""Worlds that connect a client and a trunk's server by each kind of transport; the same service answers in each."""

import threading
import time
from contextlib import ExitStack
from itertools import count

from harness.plan.links import LOOPBACK
from harness.sim.choices import Choices
from harness.sim.kernel import Kernel, Signal
from harness.sim.network import SimNetwork
from harness.sim.process import Process
from harness.sim.server import SimServer
from harness.sim.transport import SimTransport
from splitlearn.runtime.clock import SystemClock
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.server import Address, running_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.direct import DirectTransport
from splitlearn.wire.grpc_transport import GrpcTransport

PATIENCE = 30.0
REPLIES = 5


class Parrot:
    """A trunk's service that echoes its requests; `treat` may raise an error or block."""

    stopping = False

    def __init__(self):
        self.heard = []
        self.treat = lambda _request: None

    def compute(self, request):
        self.heard.append(request.smashed.data)
        self.treat(request)
        return pb.ComputeReply(features=pb.Tensor(data=request.smashed.data))

    def get_gradients(self, request):
        self.treat(request)
        return [pb.Gradient(name=f"{number}", left=REPLIES - 1 - number) for number in range(REPLIES)]

    def close_idle(self):
        """Do nothing: there are no sessions."""


class DirectWorld:
    """A world without a network."""

    def __init__(self):
        self.service = Parrot()

    def run(self, body):
        body()

    def transport(self, _on_state=None):
        return DirectTransport(Dispatch(self.service))

    def close(self):
        """Do nothing."""


class RealWorld:
    """The trunk's gRPC server behind a local proxy."""

    numbers = count()

    def __init__(self, config, toxiproxy):
        self.service = Parrot()
        self._config = config
        self._given_up = GivenUp()
        self._serving, self._stack = ExitStack(), ExitStack()
        self._port = 0
        self.serve()
        name = f"conformance-{next(self.numbers)}"
        self._proxy = toxiproxy.create_proxy(name, f"127.0.0.1:{self._port}")
        self._stack.callback(self._proxy.destroy)

    def run(self, body):
        body()

    def transport(self, on_state=lambda _state: None):
        made = GrpcTransport(self._config.but(trunk_address=self._proxy.listen), on_state)
        self._stack.callback(made.close)
        return made

    def serve(self):
        address = Address("127.0.0.1", self._port)
        self._port = self._serving.enter_context(
            running_server(self.service, self._config, address, SystemClock(), self._given_up)
        ).port

    def stop(self):
        self._serving.close()

    def cut(self):
        self._proxy.disable()

    def mend(self):
        self._proxy.enable()

    def gate(self):
        return RealGate()

    def until_the_trunk_knows(self):
        """Wait until the trunk knows that its client has given a request up."""
        assert self._given_up.known.wait(PATIENCE)

    def until(self, holds):
        """Wait until a condition holds."""
        give_up_at, pause = time.monotonic() + PATIENCE, threading.Event()
        while not holds():
            assert time.monotonic() < give_up_at
            pause.wait(0.005)

    def close(self):
        self._stack.close()
        self._serving.close()


class GivenUp:
    """A meter that waits for a request that its client has given up."""

    def __init__(self):
        self.known = threading.Event()

    def answered(self, _method, code):
        if code == "CANCELLED":
            self.known.set()


class RealGate:
    """A gate at which the service blocks, so that a request stays in flight."""

    def __init__(self):
        self._entered, self._opened = threading.Event(), threading.Event()

    def enter(self, _request):
        self._entered.set()
        assert self._opened.wait(PATIENCE)

    def wait(self):
        """Wait until a request has reached the gate."""
        assert self._entered.wait(PATIENCE)

    def open(self):
        self._opened.set()


class SimWorld:
    """The simulated network; the test runs in the client's greenlet."""

    def __init__(self):
        self.service = Parrot()
        self.kernel = Kernel()
        self._choices = Choices(0)
        self._network = SimNetwork(self.kernel, self._choices, LOOPBACK)
        self.client = self.trunk = None

    def run(self, body):
        def main(_process):
            self.serve()
            body()
            return 0

        self.client = Process(self.kernel, "client", main, lambda _process: None)
        self.kernel.run(lambda: not self.client.alive, 1000.0)
        if self.client.error:
            raise self.client.error

    def transport(self, on_state=lambda _state: None):
        return SimTransport(self.client, self._network, on_state)

    def serve(self):
        self.trunk = Process(self.kernel, "trunk", self._serve, lambda _process: None)
        self.client.sleep(0.1)

    def stop(self):
        self.kernel.after(0.0, self.trunk.kill)
        self.client.sleep(0.1)

    def cut(self):
        self.kernel.after(0.0, self._network.disconnect)
        self.client.sleep(0.1)

    def mend(self):
        self._network.reconnect()

    def gate(self):
        return SimGate(self)

    def until_the_trunk_knows(self):
        """Do nothing: a simulated trunk knows at once."""

    def until(self, holds):
        give_up_at = self.kernel.now + PATIENCE
        while not holds():
            assert self.kernel.now < give_up_at
            self.client.sleep(0.005)

    def close(self):
        if self.trunk and self.trunk.alive:
            self.trunk.kill()

    def _serve(self, process):
        server = SimServer(process, Dispatch(self.service), self._choices, Unobserved())
        self._network.listen(server)
        process.on_gone(lambda: self._network.listen(None))
        process.wait_for(Signal(self.kernel))  # never set: the process runs until it is killed
        return 0


class Unobserved:
    """Observes nothing."""

    def begun(self, request):
        """Do nothing."""

    def answered(self, call, request, replies):
        """Do nothing."""


class SimGate:
    def __init__(self, world):
        self._world = world
        self._entered, self._opened = Signal(world.kernel), Signal(world.kernel)

    def enter(self, _request):
        self._entered.set()
        assert self._world.trunk.wait_for(self._opened, PATIENCE)

    def wait(self):
        assert self._world.client.wait_for(self._entered, PATIENCE)

    def open(self):
        self._opened.set()
