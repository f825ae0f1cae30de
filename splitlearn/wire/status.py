"""Errors as gRPC statuses and back."""

from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["refuse", "wire_error"]

ERROR_DOMAIN = "splitlearn"
# The message travels twice and percent-encoded, so even of words that are not ASCII it must be far from the limit.
LONGEST_WORDS = 400

# What gRPC says of a connection that was made and then refused, and what to do.
HANDSHAKE_ADVICE = {
    "WRONG_VERSION_NUMBER": "the trunk does not speak TLS: start it with --tls-certificate and --tls-key, or leave "
    "--tls-ca out here",
    "CERTIFICATE_VERIFY_FAILED": "the trunk's certificate is not valid for --tls-ca: give the file that signed it",
    "Hostname Verification": "the trunk's certificate names other hosts than that of --trunk-address",
}
CLOSED_AT_ONCE = ("Socket closed", "Connection reset")
MISSING_CERTIFICATE = (
    "the trunk may ask for a certificate: give --tls-certificate and --tls-key, signed by the trunk's --tls-ca"
)
MISSING_TLS = "the trunk may speak TLS: give --tls-ca"


def refuse(context: grpc.ServicerContext, error: WireError) -> NoReturn:
    """End a call with an error that `wire_error` reads at the other side."""
    detail = AnyMessage()
    details = {name: _clipped(value) for name, value in error.details.items()}
    detail.Pack(ErrorInfo(reason=error.reason.value, domain=ERROR_DOMAIN, metadata=details))
    status = Status(code=error.code.value, message=_clipped(error.message), details=[detail])
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort raises")


def _clipped(words: str) -> str:
    """Leave the middle of long words out: a peer's own may stand there, and a status has to fit into metadata."""
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS // 2]} … {words[-LONGEST_WORDS // 2 :]}"


def wire_error(call: grpc.Call, *, encrypted: bool) -> WireError:
    """Read what the peer, or gRPC itself, says went wrong.

    Args:
        call: that failed.
        encrypted: this side used TLS.
    """
    code = Code(call.code().value[0])
    message = call.details() or code.name
    status = rpc_status.from_call(call)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            known = info.reason in Reason.__members__
            # A reason of a newer protocol is a refusal all the same.
            reason = Reason[info.reason] if known else Reason.BAD_REQUEST
            return WireError(reason, message, code, info.metadata)
    # Of gRPC's own words, only those on a message's size are a refusal; the others are about load and connection.
    too_large = code is Code.RESOURCE_EXHAUSTED and "larger than max" in message
    reason = Reason.TOO_LARGE if too_large else Reason.TRANSPORT
    return WireError(reason, message + _handshake_advice(message, encrypted=encrypted), code)


def _handshake_advice(message: str, *, encrypted: bool) -> str:
    """Say which setting may be wrong; empty where no connection was refused after it was made."""
    if "failed to connect" not in message:
        return ""
    found = [advice for words, advice in HANDSHAKE_ADVICE.items() if words in message]
    if not found and any(words in message for words in CLOSED_AT_ONCE):
        found = [MISSING_CERTIFICATE if encrypted else MISSING_TLS]
    return "".join(f"; {advice}" for advice in found)
