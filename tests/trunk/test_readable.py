"""Bytes that are no message of their method are refused like any bad request, and the call is let go of."""

import gc

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc._server import _RPCState
from grpc_status import rpc_status

from splitlearn.wire.seal import sealed

SECONDS = 30
METHODS = [
    *(f"/splitlearn.wire.ComputeService/{name}" for name in ("OpenSession", "Compute", "GetGradients")),
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
]


UNREADABLE = ("BAD_REQUEST", grpc.StatusCode.INVALID_ARGUMENT)
CORRUPT = ("CORRUPT", grpc.StatusCode.DATA_LOSS)
SENT = [
    *((method, sealed(b"\xff\xff") if "ComputeService" in method else b"\xff\xff", UNREADABLE) for method in METHODS),
    *((method, body, CORRUPT) for method in METHODS[:3] for body in (b"", sealed(b"")[:-1], b"\x0a" + sealed(b""))),
]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("method", "body", "refusal"), SENT)
def test_unreadable_bytes_are_refused_more_often_than_a_connection_may_have_calls(channel, method, body, refusal):
    for _ in range(300):
        with pytest.raises(grpc.RpcError) as caught:
            list(channel.stream_stream(method)(iter([body]), timeout=SECONDS))
    info = ErrorInfo()
    assert rpc_status.from_call(caught.value).details[0].Unpack(info)
    assert refusal == (info.reason, caught.value.code())
    gc.collect()
    kept = sum(isinstance(found, _RPCState) for found in gc.get_objects())
    assert kept < 10, "gRPC keeps those that it is not done with"
