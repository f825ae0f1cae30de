"""Bytes that are not a message of their method are refused like any bad request, and the call is freed."""

import asyncio
import gc

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from splitlearn.wire.checksum import origin_of, with_checksum

SECONDS = 30
METHODS = [
    *(f"/splitlearn.wire.ComputeService/{name}" for name in ("OpenSession", "Compute", "GetGradients")),
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
]


def checksummed_for(method, body):
    return with_checksum(body, origin_of(method.rpartition("/")[2]))


UNREADABLE = ("BAD_REQUEST", grpc.StatusCode.INVALID_ARGUMENT)
CORRUPT = ("CORRUPT", grpc.StatusCode.DATA_LOSS)
SENT = [
    *((method, checksummed_for(method, b"\xff\xff"), UNREADABLE) for method in METHODS[:3]),
    *((method, b"\xff\xff", UNREADABLE) for method in METHODS[3:]),
    *((method, b"", CORRUPT) for method in METHODS[:3]),
    *((method, checksummed_for(method, b"")[:-1], CORRUPT) for method in METHODS[:3]),
    *((method, b"\x0a" + checksummed_for(method, b""), CORRUPT) for method in METHODS[:3]),
    # A message that an altered header has led to another method.
    *((method, checksummed_for("Backward", b""), CORRUPT) for method in METHODS[:3]),
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
    kept = sum(isinstance(found, asyncio.Task) for found in gc.get_objects())
    assert kept < 30, "a call that is not done with is a task of the server, which has a few of its own"
