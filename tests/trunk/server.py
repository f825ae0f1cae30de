"""A trunk's gRPC server in this process, and links to it."""

from contextlib import ExitStack

from splitlearn.agreement import agreement
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.stopwatch import UNWATCHED
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.server import Address, running_server
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import Sessions
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.trunk_link import Hello


def service_of(
    config, *, max_sessions=1, probe=None, tensor_log=None, disk=None, clock=None, watch=UNWATCHED, **sessions
):
    """Return the protocol of a trunk without a server around it."""
    identity, runtime = FAMILY.load_trunk(config)[1], real_runtime()
    return TrunkService(
        config,
        identity,
        lambda: FAMILY.load_trunk(config)[0],
        Sessions(max_sessions, clock or runtime.clock, runtime.entropy, **sessions),
        probe or NullProbe(),
        tensor_log or NullTensorLog(),
        disk or runtime.disk,
        watch=watch,
    )


class Trunk:
    """Serves until it is stopped."""

    def __init__(self, config, service=None, meter=None, **options):
        self.config = config
        self.service = service or service_of(config, **options)
        self._stack = ExitStack()
        serving = running_server(self.service, config, Address("127.0.0.1", 0), real_runtime().clock, meter)
        self.address = str(self._stack.enter_context(serving))

    def stop(self):
        """Stop once; a second time does nothing."""
        self._stack.close()

    def transport(self, config=None):
        """Open a channel."""
        transport = GrpcTransport((config or self.config).but(trunk_address=self.address), lambda _: None)
        self._stack.callback(transport.close)
        return transport

    def link(self, config=None, *, failures=None, wrap=lambda transport: transport, retry_timeout=20.0):
        """Connect as the client's commands do; failed attempts are noted in `failures`."""
        config = config or self.config
        runtime = real_runtime()
        noted = failures if failures is not None else []
        policy = RetryPolicy(config.rpc_timeout, retry_timeout, first_delay=0.001, max_delay=0.01)
        calls = ReliableCalls(
            wrap(self.transport(config)), policy, runtime.clock, lambda *failure: noted.append(failure)
        )
        return RemoteTrunk(calls, config, runtime)


def hello_of(config, *resume_steps, session=None):
    """Return what a client of this configuration says."""
    identity = FAMILY.load_client(config)[1]
    return Hello(session or config.session, agreement(config, identity), resume_steps)


def opening_of(hello, *, client="a client", number=1, codec="raw", **more):
    """Return the request of a client that opens."""
    return pb.OpenSessionRequest(
        session_id=hello.session_id, agreement=hello.agreement, client=client, opening=number, codec=codec, **more
    )
