"""Unnecessary delays, hangs, crashes and missing deadlines."""

import os
import threading

import torch
from grpc import _channel

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, HANGING, PARTITIONED, SLOW_LINK, named
from splitlearn.client.step import TrainingStep
from splitlearn.runtime.clock import SystemClock
from splitlearn.trunk.dispatch import Call, Dispatch
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.trunk_link import Commit, Position

__all__: list[str] = []

A_DAY = 86400.0


@mutant("classic: Nagle's algorithm and delayed acknowledgements", "trunk", SLOW_LINK, Cause.SLOW)
def wait_in_every_call() -> None:
    """The trunk waits for 200 ms before it answers a request."""

    @instead(Dispatch, "carry_out")
    def carry_out(right: Right, self: Dispatch, call: Call) -> object:
        threading.Event().wait(0.2)
        return right(self, call)


@mutant("classic: a poll with a fixed interval", "client", SLOW_LINK, Cause.SLOW)
def sleep_in_every_step() -> None:
    """The client sleeps for a second in every step."""

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        threading.Event().wait(1.0)
        decided: Commit = right(self, step, norm)
        return decided


@mutant("classic: a deadlock", "client", HANGING, Cause.ENDED, since=1)
def hang_at_the_second_step() -> None:
    """The client waits forever in its second step."""

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        if step == 1:
            threading.Event().wait()
        decided: Commit = right(self, step, norm)
        return decided


@mutant(
    "gRPC: a signal between a channel's first call and the start of the thread it needs", "client", HANGING, Cause.ENDED
)
def never_close_a_channel() -> None:
    """Closing a channel never returns, whether on request or because the channel is freed."""

    @instead(GrpcTransport, "close")
    def close(_right: Right, _self: GrpcTransport) -> None:
        threading.Event().wait()

    @instead(_channel._ChannelCallState, "__del__")
    def free(_right: Right, _self: object) -> None:
        threading.Event().wait()


@mutant("classic: a crash of the server", "trunk", DIRECT, Cause.ENDED, since=1)
def let_the_trunk_die_at_the_second_step() -> None:
    """The trunk's process ends in the second step."""

    @instead(TrunkSession, "forward")
    def forward(right: Right, self: TrunkSession, at: Position, *others: object) -> torch.Tensor:
        if at.step == 1:
            print("the trunk's last words", flush=True)
            os._exit(9)
        features_BTH: torch.Tensor = right(self, at, *others)
        return features_BTH


@mutant("classic: a call without a deadline", "client", named("net-Compute-request-half-open-upstream"), Cause.DEADLINE)
def wait_without_a_deadline() -> None:
    """A call may take a day."""

    @instead(GrpcTransport, "call")
    def call(right: Right, self: GrpcTransport, method: str, request: bytes, _timeout: float) -> object:
        return right(self, method, request, A_DAY)


@mutant("classic: a retry storm", "client", PARTITIONED, Cause.WASTE, since=1)
def ask_again_without_a_pause() -> None:
    """A call that fails is made again at once."""

    @instead(SystemClock, "sleep")
    def sleep(_right: Right, _self: SystemClock, _seconds: float) -> None:
        return None
