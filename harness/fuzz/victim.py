"""The client's own code for reaching the trunk, making every call of the protocol, to be lied to."""

from collections.abc import Callable, Mapping

import torch

from splitlearn.config import TrainingConfig
from splitlearn.runtime.simulated import simulated_runtime
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.heartbeat import BEAT_SECONDS
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Commit, Hello, Position

__all__ = ["HONEST", "OPERATIONS", "UNHEARD", "Victim"]

MIB = 1 << 20
DEADLINE, RETRY_TIMEOUT = 1.0, 60.0
AT = Position(4, 0, 1)
HELLO = Hello("run", {}, (2, 4))
HIDDEN_BTH = torch.linspace(-1, 1, 2 * 6 * 8).view(2, 6, 8)
MASK_BT = torch.ones(2, 6, dtype=torch.int64)
TENSOR = encode_tensor(HIDDEN_BTH, "raw", MIB)
HONEST = {
    "OpenSession": (pb.OpenSessionReply(incarnation=9, applied_step=4, fingerprint="f", max_message_bytes=MIB),),
    "Compute": (pb.ComputeReply(features=TENSOR),),
    "Backward": (pb.BackwardReply(smashed_grad=TENSOR, norms=[pb.ParameterNorm(name="block.1", norm=0.5)]),),
    "GetGradients": tuple(pb.Gradient(name=f"block.{left}", gradient=TENSOR, left=left) for left in (1, 0)),
    "SyncTrainingState": (pb.SyncTrainingStateReply(applied_step=4, fingerprint="f"),),
}


class Victim:
    """A client that makes every call of the protocol, with a clock that stands still.

    Args:
        address: of the trunk.

    Attributes:
        failures: number of calls that failed and were retried since the client was last ready.
    """

    def __init__(self, address: str) -> None:
        config = TrainingConfig(trunk_address=address, max_message_bytes=MIB)
        self._transport = GrpcTransport(config, lambda _: None)
        self.failures: list[WireError] = []
        self._runtime = simulated_runtime()
        self._calls = ReliableCalls(
            self._transport,
            RetryPolicy(DEADLINE, RETRY_TIMEOUT),
            self._runtime.clock,
            lambda _method, error, _count: self.failures.append(error),
        )
        self._config = config
        self._link = RemoteTrunk(self._calls, config, self._runtime)

    def open(self) -> object:
        """Open as a client that has just been started."""
        self._link = RemoteTrunk(self._calls, self._config, self._runtime)
        return self._link.open(HELLO)

    def open_again(self) -> object:
        """Open as a client whose session was lost."""
        return self._link.open(HELLO)

    def forward(self) -> object:
        """Send a forward pass."""
        return self._link.forward(AT, HIDDEN_BTH, MASK_BT, None).result().tolist()

    def backward(self) -> object:
        """Send a backward pass; the trunk may ask for its forward pass again."""
        answer = self._link.backward(AT, HIDDEN_BTH).result()
        return answer.smashed_grad_BTH.tolist(), answer.norms

    def gradients(self) -> object:
        """Fetch a stream."""
        return {name: gradient.tolist() for name, gradient in self._link.gradients(4).items()}

    def save(self) -> object:
        """Have a checkpoint written."""
        return self._link.save(4, None)

    def infer(self) -> object:
        """Send a forward pass of which the trunk keeps no state."""
        return self._link.infer(HIDDEN_BTH, MASK_BT).result().tolist()

    def commit(self) -> object:
        """Commit a step in a call of its own."""
        return self._link.commit(Commit(4, 1e-3, None, skip=False))

    def query(self) -> object:
        """Ask for the state."""
        return self._link.query()

    def close(self) -> object:
        """Close the session and open it again, as when the trunk stops and comes back."""
        self._link.close()
        return self.open_again()

    def leave(self) -> object:
        """Leave as after an error, then open again."""
        self._link.leave(saved=True)
        return self.open_again()

    def beat(self) -> object:
        """Send a heartbeat after a silence, then a forward pass."""
        # A sum of times is rounded, so exactly one beat's time could fall short.
        self._runtime.clock.sleep(2 * BEAT_SECONDS)
        self._link.beat()
        return self.forward()

    def ready(self) -> None:
        """Get to a state in which every call can be made."""
        self.open()
        self.forward()
        self.failures.clear()

    def hang_up(self) -> None:
        """Close the connection."""
        self._transport.close()


OPERATIONS: Mapping[str, Callable[[Victim], object]] = {
    "open": Victim.open,
    "open again": Victim.open_again,
    "forward": Victim.forward,
    "backward": Victim.backward,
    "gradients": Victim.gradients,
    "save": Victim.save,
    "infer": Victim.infer,
    "commit": Victim.commit,
    "query": Victim.query,
    "close": Victim.close,
    "leave": Victim.leave,
    "beat": Victim.beat,
}
# The answer to the first call of these is awaited but not used, so no lie may change anything. The call that follows
# uses another method, which shows whether the first was made.
UNHEARD = {"leave": "SyncTrainingState", "beat": "SyncTrainingState"}
