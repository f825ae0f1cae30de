"""Connects to the trunk that a configuration names."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from splitlearn.client.waiting import Waiting
from splitlearn.config import TrainingConfig
from splitlearn.models import FAMILY
from splitlearn.models.family import ModelIdentity
from splitlearn.probe import Probe
from splitlearn.runtime import Runtime
from splitlearn.tensor_log import TensorLog
from splitlearn.trunk.local import LocalTrunk
from splitlearn.wire.errors import WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.heartbeat import BEAT_SECONDS
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.transport import Transport
from splitlearn.wire.trunk_link import TrunkLink

__all__ = ["connected"]

# Kept to the end of the process, because freeing a channel closes it.
INTERRUPTED: list[Transport] = []


@contextmanager
def connected(
    config: TrainingConfig,
    identity: ModelIdentity,
    probe: Probe,
    tensor_log: TensorLog,
    runtime: Runtime,
    before_repeating: Callable[[], None] = lambda: None,
    new_transport: Callable[[TrainingConfig, Callable[[str], None]], Transport] = GrpcTransport,
) -> Iterator[TrunkLink]:
    """Connect to the trunk at `config.trunk_address` until the `with` block is left.

    A process with an open channel never exits by itself. After `KeyboardInterrupt` the channel stays open all the same,
    and is kept to the end of the process: the signal may have come in the middle of gRPC's own work, and closing or
    freeing the channel would then block forever. Such a process is ended by `splitlearn.cli.program`.

    Args:
        config: names the trunk.
        identity: the model's.
        probe: receives every failed call.
        tensor_log: used by a trunk in this process.
        runtime: clock, entropy, disk and locks of this machine.
        before_repeating: called when a call has failed; may raise to prevent a retry.
        new_transport: makes what carries the calls; takes the settings and a function to tell states of the connection.

    Yields:
        The trunk; for the address `local`, one in this process.
    """
    if config.trunk_address == "local":
        yield LocalTrunk(config, identity, lambda: FAMILY.load_trunk(config)[0], probe, tensor_log, runtime.disk)
        return

    waiting = Waiting(config, runtime.clock)

    def report_failure(method: str, error: WireError, attempt: int) -> None:
        probe.point("client.call.failed", method=method, code=error.code.name, attempt=attempt, message=error.message)
        waiting.note(error, attempt)
        before_repeating()

    def report_state(state: str) -> None:
        probe.point("client.connection.changed", state=state)

    transport = new_transport(config, report_state)
    policy = RetryPolicy(config.rpc_timeout, config.retry_timeout)
    trunk = RemoteTrunk(ReliableCalls(transport, policy, runtime.clock, report_failure), config, runtime)

    def hang_up(kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt:
            INTERRUPTED.append(transport)
        else:
            trunk.hang_up()

    with ExitStack() as stack:
        stack.push(hang_up)
        stack.enter_context(runtime.clock.repeating(trunk.beat, BEAT_SECONDS, "heartbeat"))
        yield trunk
