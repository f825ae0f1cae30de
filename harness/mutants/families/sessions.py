"""Sessions mixed up or never timed out, and missing authentication."""

from collections.abc import Callable

import splitlearn.commands.trunk
from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import TWO_CLIENTS, named
from splitlearn.config import TrainingConfig
from splitlearn.models.family import ModelIdentity, TrunkStage
from splitlearn.trunk import server
from splitlearn.trunk.guard import TokenGuard
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import OpenSession, Sessions
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire import credentials, grpc_transport

__all__: list[str] = []


@mutant("classic: one model for all users of a server", "trunk", TWO_CLIENTS, Cause.SESSIONS)
def give_every_session_the_same_stage() -> None:
    """Both clients train the same weights."""
    Load = Callable[[], TrunkStage]

    @instead(splitlearn.commands.trunk, "TrunkService")
    def service(
        right: Right, config: TrainingConfig, identity: ModelIdentity, load: Load, *others: object
    ) -> TrunkService:
        stage = load()
        made: TrunkService = right(config, identity, lambda: stage, *others)
        return made


@mutant("classic: a key without the session", "trunk", TWO_CLIENTS, Cause.SESSIONS)
def answer_with_the_reply_of_another_session() -> None:
    """Replies are kept by step and microbatch alone: the second client gets the features of the first."""
    kept: dict[tuple[int, int, str], pb.ComputeReply] = {}

    @instead(TrunkService, "compute")
    def compute(right: Right, self: TrunkService, request: pb.ComputeRequest) -> pb.ComputeReply:
        reply = right(self, request)
        return kept.setdefault((request.key.step, request.key.microbatch, str(reply.features.shape)), reply)


@mutant("classic: no timeout of idle sessions", "trunk", named("absent-client"), Cause.DEADLINE)
def keep_every_place() -> None:
    """The trunk gives up no place, however silent its client is."""

    @instead(Sessions, "idle")
    def idle(_right: Right, _self: Sessions) -> list[OpenSession]:
        return []


@mutant("classic: a guard that is not asked", "trunk", named("token"), Cause.DOOR)
def let_in_whoever_comes() -> None:
    """The trunk serves requests without a token."""

    @instead(TokenGuard, "intercept_service")
    async def intercept_service(_right: Right, _self: TokenGuard, continuation: Right, details: object) -> object:
        return await continuation(details)


@mutant("classic: encryption that falls back to none", "both", named("mutual-tls"), Cause.DOOR)
def speak_in_the_clear() -> None:
    """Both sides speak without TLS though it was asked for."""

    @instead(server, "server_tls")
    def server_tls(_right: Right, _config: TrainingConfig) -> None:
        return None

    @instead(grpc_transport, "client_tls")
    def client_tls(_right: Right, _config: TrainingConfig) -> None:
        return None


@mutant("classic: a certificate that is not asked for", "trunk", named("mutual-tls"), Cause.DOOR)
def ask_for_no_certificate() -> None:
    """The trunk serves clients without a certificate."""

    @instead(server, "server_tls")
    def server_tls(_right: Right, config: TrainingConfig) -> object:
        return credentials.server_tls(config.but(tls_ca=None))
