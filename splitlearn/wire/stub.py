"""The calls of the service, with sealed messages."""

from types import SimpleNamespace

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.seal import readable, sealed

__all__ = ["SERVICE", "sealed_stub"]

SERVICE = pb.DESCRIPTOR.services_by_name["ComputeService"]


def sealed_stub(channel: grpc.Channel) -> SimpleNamespace:
    """Give every method of `ComputeService` by its name; a reply that cannot be read is a `WireError`, as a value."""
    calls = SimpleNamespace()
    for method in SERVICE.methods:
        make = channel.unary_stream if method.server_streaming else channel.unary_unary
        read = readable(GetMessageClass(method.output_type).FromString, seal=True)
        setattr(calls, method.name, make(f"/{SERVICE.full_name}/{method.name}", _seal, read))
    return calls


def _seal(message: Message) -> bytes:
    return sealed(message.SerializeToString())
