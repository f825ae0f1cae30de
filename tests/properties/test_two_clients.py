"""Two clients and a trunk, whatever gets lost, repeated, closed, taken over or restarted: no bit changes.

The machine below is a network and a trunk's machine; the clients send what a training sends.
"""

import copy
import dataclasses
import itertools

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from properties.budget import examples
from properties.peer import Peer
from trunk.undisturbed import MICROBATCHES, STEPS, Undisturbed

from splitlearn.agreement import agreement
from splitlearn.config import TrainingConfig
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime.simulated import simulated_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.sessions import Sessions
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.methods import METHODS

# Requests whose repetition is answered with the bytes of the first reply.
REPEATABLE = ("Compute", "Backward")
PEERS = st.integers(0, 1)
LOST = st.sampled_from((False, False, False, True))
CHOICE = st.integers(0, 299)
DISTURBANCES = (*["duplicate"] * 12, "take over", "close", "restart")


@dataclasses.dataclass
class World:
    """What all examples share: the model, and the runs of both clients when nothing disturbs them."""

    config: TrainingConfig

    def __post_init__(self):
        self.stage, self.identity = FAMILY.load_trunk(self.config)
        self.runs = {name: Undisturbed(self.config, seed) for seed, name in enumerate(("one", "two"))}
        self.agreement = agreement(self.config, self.identity)

    def service(self, config, runtime, boot):
        """Start a trunk on a machine."""
        sessions = Sessions(2, runtime.clock, runtime.entropy, boot)
        stage = copy.deepcopy
        arguments = (lambda: stage(self.stage), sessions, NullProbe(), NullTensorLog(), runtime.disk)
        return TrunkService(config, self.identity, *arguments)


class TwoClients(RuleBasedStateMachine):
    """A lost reply leaves its client waiting: it sends the same request again before any other."""

    def __init__(self, world):
        super().__init__()
        self.world, self.boot = world, 0
        self.peers = [Peer(name, run, world.agreement) for name, run in world.runs.items()]
        self.sent, self.replies = [], {}

    @initialize(limit=st.sampled_from((10**8, 600_000)), seed=st.integers(0, 9))
    def begin(self, limit, seed):
        """Start the trunk with some limit of memory."""
        self.config = self.world.config.model_copy(update={"max_pending_bytes": limit})
        self.runtime = simulated_runtime(seed)
        self._start()

    @rule(number=PEERS, choice=CHOICE, lost=LOST, order=st.permutations(range(MICROBATCHES)))
    def go_on(self, number, choice, lost, order):
        """A client does one thing that it may do next, or all that is left of its step, and perhaps saves."""
        peer = self.peers[number]
        possible = peer.possible()
        if choice % 3 and self._may_send(peer):
            self._finish(peer, order)
            if choice % 3 == 1 and self._may_send(peer):
                peer.save()
                self._ask(peer, lost)
        else:
            possible[choice // 3 % len(possible)]()
            if peer.waiting:
                self._ask(peer, lost)

    @precondition(lambda self: self.sent)
    @rule(
        number=PEERS, what=st.sampled_from(DISTURBANCES), chances=st.lists(st.integers(0, 99), min_size=6, max_size=6)
    )
    def disturb(self, number, what, chances):
        """Something happens that no training asks for; mostly, an old message arrives again."""
        peer = self.peers[number]
        if what == "restart":
            self._crash(itertools.cycle(chances))
        elif what == "duplicate":
            self._deliver_again(*self.sent[-1 - chances[0] % len(self.sent)])
        elif self._may_send(peer):
            peer.open() if what == "take over" else peer.close()
            self._ask(peer, lost=chances[0] % 4 == 3)

    @invariant()
    def every_session_is_where_the_undisturbed_run_was(self):
        """No step was applied twice or left out, and no gradient joined twice: the weights tell."""
        for name in self._sessions():
            held = self.service._sessions._open[name]
            assert held.session.fingerprint() == self.world.runs[name].weights[held.session.applied_step]

    @invariant()
    def nobody_but_the_newest_incarnation_is_heeded(self):
        """An answered client is the one that the trunk has."""
        for peer in self.peers:
            if peer.is_open and peer.name in self._sessions():
                held = self.service._sessions._open[peer.name]
                assert peer.incarnation == held.welcome.incarnation
                assert held.session.applied_step in (peer.step, max(peer.step - 1, 0))

    def teardown(self):
        """Both come to their end when nothing disturbs them any more."""
        if not self.boot:
            return
        for peer in self.peers:
            while not (self._may_send(peer) and peer.step == STEPS):
                if peer.waiting:
                    self._ask(peer)
                elif not peer.is_open:
                    peer.open()
                else:
                    self._finish(peer, range(MICROBATCHES))
            peer.save()
            self._ask(peer)
            assert peer.known[-1:] == (STEPS,)

    def _finish(self, peer, order):
        """Send the rest of a step, in some order, and end it."""
        while self._may_send(peer) and not peer.may_decide and peer.step < STEPS:
            for microbatch in order:
                if microbatch not in peer.forwarded:
                    peer.forward(microbatch)
                elif microbatch not in peer.joined:
                    peer.backward(microbatch)
                if peer.waiting:
                    self._ask(peer)
        if self._may_send(peer) and peer.may_decide:
            peer.decide()

    def _crash(self, chances):
        """The trunk's machine crashes, and some of what it had not forced to the disk survives."""
        self.runtime.disk.crash(lambda outcomes: next(chances) % outcomes)
        self.runtime.locks.crash()
        self._start()

    def _deliver_again(self, method, request):
        """Deliver an old request once more; nobody hears the reply."""
        if method != "OpenSession":  # the trunk cannot tell it from a client that wants its session back
            self._deliver(method, request)

    def _sessions(self):
        return self.service._sessions.training_sessions if self.boot else []

    def _may_send(self, peer):
        return peer.is_open and not peer.waiting

    def _start(self):
        self.boot += 1
        self.service = self.world.service(self.config, self.runtime, self.boot)
        self.dispatch = Dispatch(self.service)

    def _ask(self, peer, lost=False):
        """Deliver what a client waits for; unless the answer is lost, the client takes it."""
        method, message, then = peer.waiting
        request = METHODS[method].write_request(message)
        self.sent.append((method, request))
        try:
            reply = METHODS[method].read_reply(self._deliver(method, request, refusals=False), request)
        except WireError as error:
            if lost or peer.refused(error):
                return
            raise
        self._compare(peer, method, message, reply)
        if not lost:
            peer.waiting = None
            then(reply)

    def _deliver(self, method, request, *, refusals=True):
        """Deliver bytes; the same ones get the same reply, whenever they get one."""
        try:
            (reply,) = self.dispatch(method, request)
        except WireError as error:
            if refusals and error.reason is not Reason.BUG:
                return None
            raise
        if method in REPEATABLE:
            assert reply == self.replies.setdefault(request, reply), f"another reply to the same {method}"
        return reply

    def _compare(self, peer, method, message, reply):
        """Compare an answer's tensor with that of the undisturbed run."""
        at = (message.key.step, message.key.microbatch) if method in REPEATABLE else None
        expected = {"Compute": peer.run.features, "Backward": peer.run.smashed_grad}.get(method, {})
        for place, tensor in expected.items():
            if (place.step, place.microbatch) == at:
                data = reply.features.data if method == "Compute" else reply.smashed_grad.data
                assert tensor.contiguous().numpy().tobytes() == data


@pytest.fixture(scope="module")
def world(small_model):
    return World(TrainingConfig(model=str(small_model()), cuts="1:2", seed=7))


def test_whatever_happens_to_requests_and_machines_no_bit_changes(world):
    run_machine(lambda: TwoClients(world), settings=examples(20, stateful_step_count=50))


def commits_twice(patch):
    """A repeated commit is applied again."""
    commit = TrunkSession.commit

    def apply(self, given):
        if given.step == self.applied_step - 1 and not given.skip:
            for parameter in self._parameters.values():
                parameter.data.mul_(1 - given.learning_rate)
            return
        commit(self, given)

    patch.setattr(TrunkSession, "commit", apply)


def heeds_everybody(patch):
    """An older incarnation is heeded as the newest."""
    patch.setattr(Sessions, "get", lambda self, name, _incarnation: self._open[name])


def forgets_its_checkpoints(patch):
    """A checkpoint is acknowledged and not written."""
    patch.setattr(TrunkCheckpoints, "save", lambda _, session: session.fingerprint())


@pytest.mark.parametrize("plant", [commits_twice, heeds_everybody, forgets_its_checkpoints])
def test_planted(world, monkeypatch, plant):
    plant(monkeypatch)
    with pytest.raises((AssertionError, WireError, KeyError)):
        run_machine(lambda: TwoClients(world), settings=examples(60, stateful_step_count=50, phases=[Phase.generate]))
