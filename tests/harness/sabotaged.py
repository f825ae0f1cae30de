"""The training system with one rule broken: `MUTANT` and then the arguments of `splitlearn`."""

import dataclasses
import itertools
import os
import threading

import torch

import splitlearn.cli
import splitlearn.client.step as client
import splitlearn.commands.export
import splitlearn.commands.trunk
import splitlearn.trunk.session as trunk
from splitlearn import commands, determinism
from splitlearn.client.saving import SaveSchedule
from splitlearn.client.step import TrainingStep
from splitlearn.optimizer import apply_update
from splitlearn.runtime import clock
from splitlearn.trunk import server
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.trunk.guard import TokenGuard
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.sessions import Sessions
from splitlearn.wire import credentials, grpc_transport, remote
from splitlearn.wire.grpc_transport import GrpcTransport


def main(argv):
    """Break a rule and run a command of `splitlearn`."""
    mutant, *rest = argv
    MUTANTS[mutant]()
    return splitlearn.cli.main(rest)


def break_nothing():
    pass


def step_the_tied_weight_twice():
    def update(optimizer, learning_rate, clip_coefficient):
        embedding = optimizer.param_groups[0]["params"][0]
        gradient = embedding.grad.clone()
        apply_update(optimizer, learning_rate, clip_coefficient)
        embedding.data.add_(gradient, alpha=-learning_rate)

    client.apply_update = update


def clip_each_part_by_itself():
    def update(optimizer, learning_rate, _clip_coefficient):
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.get_total_norm(gradients)
        apply_update(optimizer, learning_rate, float(torch.clamp(0.5 / (norm + 1e-6), max=1.0)))

    trunk.apply_update = update


def seed_dropout_without_the_microbatch():
    right = determinism.stage_seed
    determinism.stage_seed = lambda seed, step, _microbatch, stage: right(seed, step, 0, stage)


def accumulate_a_repeated_backward_twice():
    right = TrunkSession.backward

    def backward(self, at, features_grad_BTH):
        entry = self._tape.entries.get(at.microbatch)
        if entry is not None and entry.smashed_grad_BTH is not None:
            before = {name: gradient.clone() for name, gradient in self.gradients().items()}
            entry.smashed_grad_BTH = None
            right(self, at, features_grad_BTH)
            for name, parameter in self._parameters.items():
                parameter.grad.add_(before[name])
        return right(self, at, features_grad_BTH)

    TrunkSession.backward = backward


def average_the_loss_over_each_microbatch():
    right = TrainingStep._run_top

    def run_top(self, at, microbatch, features_BTH, _tokens, losses):
        return right(self, at, microbatch, features_BTH, microbatch.target_tokens * at.microbatches, losses)

    TrainingStep._run_top = run_top


def leave_the_trunk_at_the_peak_learning_rate():
    trunk.apply_update = lambda optimizer, _rate, clip: apply_update(optimizer, optimizer.defaults["lr"], clip)


def give_the_trunk_another_coefficient():
    right = remote.commit_message

    def message(commit):
        return right(dataclasses.replace(commit, clip_coefficient=commit.clip_coefficient / 2))

    remote.commit_message = message


def measure_half_of_a_trunks_norm():
    right = Accumulator.norms

    def norms(self, microbatch):
        return {name: norm / (1 + name.endswith("h.2.ln_1.bias")) for name, norm in right(self, microbatch).items()}

    Accumulator.norms = norms


def drop_the_attention_mask_at_the_trunk():
    right = TrunkSession.forward

    def forward(self, at, smashed_BTH, attention_mask_BT, commit):
        return right(self, at, smashed_BTH, torch.ones_like(attention_mask_BT), commit)

    TrunkSession.forward = forward


def round_on_the_wire():
    right = remote.RemoteTrunk.forward

    def forward(self, at, smashed_BTH, attention_mask_BT, commit):
        return right(self, at, smashed_BTH.half().float(), attention_mask_BT, commit)

    remote.RemoteTrunk.forward = forward


def hang_at_the_second_step():
    right = TrainingStep._commit

    def commit(self, step, norm):
        if step == 1:
            threading.Event().wait()
        return right(self, step, norm)

    TrainingStep._commit = commit


def never_close_a_channel():
    """Never return, like gRPC when a signal comes after a channel's first call began and before its thread started."""
    GrpcTransport.close = lambda _transport: threading.Event().wait()


def let_the_trunk_die_at_the_second_step():
    right = TrunkSession.forward

    def forward(self, at, *others):
        if at.step == 1:
            print("the trunk's last words", flush=True)
            os._exit(9)
        return right(self, at, *others)

    TrunkSession.forward = forward


def update_only_every_other_step_at_the_trunk():
    turns = itertools.cycle((True, False))

    def update(optimizer, *numbers):
        if next(turns):
            apply_update(optimizer, *numbers)
        else:
            optimizer.zero_grad(set_to_none=True)

    trunk.apply_update = update


def hide_a_commit_of_the_trunk():
    """Tell the observer nothing of a step that was applied."""
    right = TrunkSession.commit

    def commit(self, value):
        probe = self._probe
        try:
            if value.step == 1:
                self._probe = splitlearn.probe.NullProbe()
            return right(self, value)
        finally:
            self._probe = probe

    TrunkSession.commit = commit


def keep_the_gradients_of_a_skipped_step_at_the_client():
    right = TrainingStep._commit

    def commit(self, step, norm):
        gradients = {name: parameter.grad for name, parameter in self.parameters.items()}
        decided = right(self, step, norm)
        if decided.skip:
            put_back(self.parameters, gradients)
        return decided

    TrainingStep._commit = commit


def compute_every_graph_again():
    right = TrunkSession.forward

    def forward(self, at, *others):
        features_BTH = right(self, at, *others)
        self._tape.entries[at.microbatch].graph = None
        return features_BTH

    TrunkSession.forward = forward


def compute_every_forward_pass_twice():
    right = TrunkSession._graph

    def graph(self, at, entry):
        if entry.graph is None:
            right(self, at, entry)
            entry.graph = None
        return right(self, at, entry)

    TrunkSession._graph = graph


def send_every_forward_pass_twice():
    right = remote.RemoteTrunk.forward

    def forward(self, *request):
        right(self, *request).result()
        return right(self, *request)

    remote.RemoteTrunk.forward = forward


def fill_every_message_up():
    right = remote.commit_message
    remote.commit_message = lambda commit: right(commit) if commit is None else _with_ballast(right(commit))


def _with_ballast(message):
    """Add a field of 20 kB that nobody knows."""
    size = 20_000
    message.MergeFromString(bytes([0x82, 0x7D, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + bytes(size))
    return message


def save_every_step():
    SaveSchedule.is_due = lambda _self, _applied: True


def commit_by_itself_too():
    right = TrainingStep._commit

    def commit(self, step, norm):
        decided = right(self, step, norm)
        self._trunk.commit(decided)
        return decided

    TrainingStep._commit = commit


def keep_the_gradients_of_a_skipped_step_at_the_trunk():
    right = TrunkSession.commit

    def commit(self, value):
        gradients = {name: parameter.grad for name, parameter in self._parameters.items()}
        was = self.applied_step
        right(self, value)
        if value.skip and self.applied_step > was:
            put_back(self._parameters, gradients)

    TrunkSession.commit = commit


def put_back(parameters, gradients):
    """Restore what a step that was given up has accumulated."""
    for name, parameter in parameters.items():
        parameter.grad = gradients[name]


def give_every_session_the_same_stage():
    right = commands.trunk.TrunkService

    def service(config, identity, load_stage, *others):
        stage = load_stage()
        return right(config, identity, lambda: stage, *others)

    commands.trunk.TrunkService = service


def export_the_older_checkpoint():
    class Older(commands.export.CheckpointStore):
        def steps(self):
            """Return all but the newest."""
            return super().steps()[1:]

    commands.export.CheckpointStore = Older


def ask_again_without_a_pause():
    clock.SystemClock.sleep = lambda _self, _seconds: None


def sleep_in_every_step():
    right = TrainingStep._commit

    def commit(self, step, norm):
        threading.Event().wait(1.0)
        return right(self, step, norm)

    TrainingStep._commit = commit


def wait_without_a_deadline():
    a_day, right = 86400.0, GrpcTransport.call
    GrpcTransport.call = lambda self, method, request, _timeout: right(self, method, request, a_day)


def keep_every_place():
    Sessions.idle = lambda _self: []


def let_in_whoever_comes():
    async def intercept_service(_self, continuation, details):
        return await continuation(details)

    TokenGuard.intercept_service = intercept_service


def speak_in_the_clear():
    server.server_tls = grpc_transport.client_tls = lambda _config: None


def ask_for_no_certificate():
    server.server_tls = lambda config: credentials.server_tls(config.but(tls_ca=None))


def hoard_what_every_step_has_computed():
    right, hoard = TrainingStep._commit, []

    def commit(self, step, norm):
        hoard.append(b"1" * (64 << 20))
        return right(self, step, norm)

    TrainingStep._commit = commit


MUTANTS = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        break_nothing,
        step_the_tied_weight_twice,
        clip_each_part_by_itself,
        seed_dropout_without_the_microbatch,
        accumulate_a_repeated_backward_twice,
        average_the_loss_over_each_microbatch,
        leave_the_trunk_at_the_peak_learning_rate,
        give_the_trunk_another_coefficient,
        measure_half_of_a_trunks_norm,
        drop_the_attention_mask_at_the_trunk,
        round_on_the_wire,
        hang_at_the_second_step,
        never_close_a_channel,
        let_the_trunk_die_at_the_second_step,
        update_only_every_other_step_at_the_trunk,
        hide_a_commit_of_the_trunk,
        keep_the_gradients_of_a_skipped_step_at_the_client,
        keep_the_gradients_of_a_skipped_step_at_the_trunk,
        give_every_session_the_same_stage,
        export_the_older_checkpoint,
        compute_every_graph_again,
        compute_every_forward_pass_twice,
        send_every_forward_pass_twice,
        fill_every_message_up,
        save_every_step,
        commit_by_itself_too,
        ask_again_without_a_pause,
        sleep_in_every_step,
        wait_without_a_deadline,
        keep_every_place,
        let_in_whoever_comes,
        speak_in_the_clear,
        ask_for_no_certificate,
        hoard_what_every_step_has_computed,
    )
}
