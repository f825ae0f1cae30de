"""A session that is training at a service without a server."""

import torch
from malformed import HIDDEN, MASK, MIB
from trunk.server import hello_of, opening_of, service_of

from harness.fuzz.target import Target
from splitlearn.models import FAMILY
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import origin_of, with_checksum
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.messages import commit_message, key_message
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Commit, Position


class Training:
    """A session in the middle of its third step, at a service without a server."""

    def __init__(self, config):
        self.service = service_of(config)
        self.hello = hello_of(config)
        self.incarnation = self.service.open_session(opening_of(self.hello)).incarnation
        for step in range(2):
            self.service.compute(self.compute(step))
            self.service.backward(self.backward(step))
            self.service.sync_training_state(self.sync("COMMIT", commit=Commit(step, 0.1, None, skip=False)))
        self.service.compute(self.compute(2, microbatches=2))
        self.service.backward(self.backward(2, microbatches=2))
        names = FAMILY.load_trunk(config)[1].parameter_order
        self.target = Target("", config.session, self.incarnation, 32, MIB, self.hello.agreement, names)

    def key(self, step, microbatches=1):
        return key_message(self.hello.session_id, self.incarnation, Position(step, 0, microbatches))

    def compute(self, step, microbatches=1, **more):
        mask = encode_tensor(MASK.to(torch.uint8), "raw", MIB)
        smashed = encode_tensor(HIDDEN, "raw", MIB)
        return pb.ComputeRequest(key=self.key(step, microbatches), smashed=smashed, attention_mask=mask, **more)

    def backward(self, step, microbatches=1):
        return pb.BackwardRequest(key=self.key(step, microbatches), features_grad=encode_tensor(HIDDEN, "raw", MIB))

    def sync(self, action, step=0, commit=None):
        number = pb.SyncTrainingStateRequest.Action.Value(f"ACTION_{action}")
        message = commit_message(commit) if commit else None
        return pb.SyncTrainingStateRequest(key=self.key(step), action=number, commit=message)

    def reason(self, attack):
        """Return the reason for which a request is refused; None if it is accepted."""
        method = attack.method
        body = with_checksum(attack.body, origin_of(method)) if attack.checksum else attack.body
        try:
            Dispatch(self.service)(method, body)
        except WireError as error:
            if error.reason is Reason.BUG:
                raise
            return error.reason
        return None

    def state(self):
        session = self.service._sessions.get(self.hello.session_id, self.incarnation).session
        gradients = {name: gradient.numpy().tobytes() for name, gradient in session.gradients().items()}
        accumulator = session._accumulator
        progress = (accumulator._next, accumulator._expected, set(accumulator._seen))
        tape = {number: entry.nbytes for number, entry in session._tape.entries.items()}
        optimizer_state = {name: moment.numpy().tobytes() for name, moment in session.optimizer_state().items()}
        return session.fingerprint(), session.applied_step, gradients, progress, tape, optimizer_state
