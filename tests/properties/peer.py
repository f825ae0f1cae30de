"""A client as the trunk sees it: the requests of a run in their order, each sent again until it is answered."""

from dataclasses import dataclass, field
from functools import partial

import torch
from trunk.undisturbed import MICROBATCHES, SKIPPED, STEPS, Undisturbed, commit_of

from splitlearn.checkpoint import known_steps
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason
from splitlearn.wire.messages import commit_message, key_message
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Position

LIMIT = 1 << 20
Action = pb.SyncTrainingStateRequest.Action


@dataclass
class Peer:
    """One client of a session.

    Attributes:
        name: of the session.
        run: its inputs, and what they are answered with when nothing disturbs.
        agreement: settings that it says when it opens.
        incarnation: its newest; 0 before the first.
        is_open: whether it may send anything but an opening.
        step: in progress.
        first: step at which it opened last, before which it has no commit to send.
        told: whether the trunk has the commit of the step before.
        forwarded: microbatches of the step whose features it has.
        joined: microbatches of the step whose gradients it has.
        known: steps of which it has its half of a checkpoint.
        waiting: method, message and what to do with the reply of the request in flight; nothing else is sent before.
    """

    name: str
    run: Undisturbed
    agreement: dict
    incarnation: int = 0
    openings: int = 0
    is_open: bool = False
    step: int = 0
    first: int = 0
    told: bool = True
    forwarded: set = field(default_factory=set)
    joined: set = field(default_factory=set)
    known: tuple = ()
    waiting: tuple | None = None

    def possible(self):
        """Return what the client may do next, but for leaving."""
        if self.waiting:
            return [lambda: None]
        if not self.is_open:
            return [self.open]
        if self.step == STEPS:
            return [self.save]
        actions = [partial(self.forward, microbatch) for microbatch in range(MICROBATCHES)]
        actions += [partial(self.backward, microbatch) for microbatch in sorted(self.forwarded)]
        if self.may_decide:
            actions += [self.decide] * 3
        elif not self.forwarded and self.step > self.first:
            actions += [self.commit, *[self.save] * 3]
        return actions

    def open(self):
        """Ask for the session, from the newest checkpoint or from the beginning."""
        self.openings += 1
        request = pb.OpenSessionRequest(
            session_id=self.name,
            agreement=self.agreement,
            client=f"client of {self.name}",
            opening=self.openings,
            codec="raw",
            replaces=self.incarnation,
            resume_steps=self.known,
        )
        self.is_open = False
        self.waiting = ("OpenSession", request, self._opened)

    def forward(self, microbatch):
        """Send a microbatch's smashed data, and the commit of the step before."""
        smashed = encode_tensor(self.run.smashed[self.step, microbatch], "raw", LIMIT)
        mask = encode_tensor(self.run.mask_BT.to(torch.uint8), "raw", LIMIT)
        request = pb.ComputeRequest(key=self._key(microbatch), smashed=smashed, attention_mask=mask, commit=self._due())
        self.waiting = ("Compute", request, lambda _: self._forwarded(microbatch))

    def backward(self, microbatch):
        """Send the gradient of a microbatch's features."""
        gradient = encode_tensor(self.run.features_grad[self.step, microbatch], "raw", LIMIT)
        request = pb.BackwardRequest(key=self._key(microbatch), features_grad=gradient)
        self.waiting = ("Backward", request, lambda _: self.joined.add(microbatch))

    def decide(self):
        """End the step on this side; the trunk hears of it with a later request."""
        assert self.may_decide
        self.step += 1
        self.told = False
        self.forwarded.clear()
        self.joined.clear()

    @property
    def may_decide(self):
        """Whether the step can end: all its gradients have joined, or it is given up."""
        given_up = self.step == SKIPPED and self.told
        return self.step < STEPS and (len(self.joined) == MICROBATCHES or given_up)

    def commit(self):
        """Send the commit by itself."""
        self._sync(Action.ACTION_COMMIT, self._committed)

    def save(self):
        """Ask for the trunk's half of a checkpoint, and write the own one when it is there."""
        self._sync(Action.ACTION_SAVE, self._saved)

    def close(self):
        """End the session."""
        self._sync(Action.ACTION_CLOSE, lambda _: self.lost())

    def lost(self):
        """Forget what the trunk does not know any more."""
        self.is_open, self.waiting = False, None

    def refused(self, error):
        """Do as the client does with a refusal; return whether it is one that a client may meet."""
        waiting, self.waiting = self.waiting, None
        match error.reason:
            case Reason.UNKNOWN_SESSION:
                self.lost()
            case Reason.SESSION_HELD:
                self.incarnation = int(error.details["incarnation"])
                self.open()
            case Reason.FORWARD_NEEDED:
                self.forwarded.discard(waiting[1].key.microbatch)
            case Reason.OUT_OF_ORDER:
                pass
            case _:
                return False
        return True

    def _forwarded(self, microbatch):
        self.told = True
        self.forwarded.add(microbatch)

    def _committed(self, _reply):
        self.told = True

    def _opened(self, welcome):
        assert welcome.applied_step == max(self.known, default=0), "a checkpoint that both sides had is lost"
        self.incarnation, self.is_open = welcome.incarnation, True
        self.step = self.first = welcome.applied_step
        self.told = True
        self.known = (self.step,) if self.step else ()
        self.forwarded.clear()
        self.joined.clear()

    def _saved(self, reply):
        assert (self.step, self.run.weights[self.step]) == (reply.applied_step, reply.fingerprint)
        self.told = True
        self.known = known_steps(self.known, self.step)

    def _sync(self, action, then):
        request = pb.SyncTrainingStateRequest(key=self._key(0), action=action, commit=self._due())
        self.waiting = ("SyncTrainingState", request, then)

    def _due(self):
        return commit_message(commit_of(self.step - 1)) if self.step > self.first else None

    def _key(self, microbatch):
        return key_message(self.name, self.incarnation, Position(self.step, microbatch, MICROBATCHES))
