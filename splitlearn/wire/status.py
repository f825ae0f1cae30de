"""Errors as gRPC statuses and back.

Only a status written by this protocol is a refusal: with a reason, the reason's code, the reason's details, and a
checksum over all of it. Everything else is a transport failure, whatever it says.
"""

import zlib
from collections.abc import Mapping

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from splitlearn.wire.errors import CODES, Code, Reason, WireError
from splitlearn.wire.words import clipped

__all__ = ["status_of", "wire_error"]

ERROR_DOMAIN = "splitlearn"
DETAILS = "grpc-status-details-bin"
CHECKSUM = "checksum"
# The details that a refusal must have, or nobody can act on it.
HOLDER = ("client", "incarnation")
MOST_INCARNATIONS = 1 << 64

# What gRPC says about a connection that was made and then refused, and what to do.
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


def status_of(error: WireError) -> grpc.Status:
    """Return the status that ends a call, from which `wire_error` reads the error on the other side."""
    details = {name: clipped(value) for name, value in error.details.items()}
    message = clipped(error.message)
    details[CHECKSUM] = _checksum(error.code, error.reason.value, message, details)
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=error.reason.value, domain=ERROR_DOMAIN, metadata=details))
    return rpc_status.to_status(Status(code=error.code.value, message=message, details=[detail]))


def _checksum(code: Code, reason: str, message: str, details: Mapping[str, str]) -> str:
    """Return the checksum of a refusal's contents."""
    said = [code.name, reason, message, *(f"{name}={details[name]}" for name in sorted(details) if name != CHECKSUM)]
    return f"{zlib.crc32(chr(0).join(said).encode()):08x}"


def wire_error(call: grpc.Call, *, encrypted: bool) -> WireError:
    """Read the error that the peer, or gRPC itself, reports.

    Args:
        call: the failed call.
        encrypted: whether this side used TLS.
    """
    code = Code(call.code().value[0])
    trailer = [value for name, value in call.trailing_metadata() or () if name == DETAILS]
    refusal = _refusal(code, trailer[0]) if len(trailer) == 1 and isinstance(trailer[0], bytes) else None
    if refusal:
        return refusal
    message = call.details() or code.name
    return WireError(Reason.TRANSPORT, message + _handshake_advice(message, encrypted=encrypted), code)


def _refusal(code: Code, trailer: bytes) -> WireError | None:
    """Read the details of a status; None if `status_of` did not write them."""
    status, info = Status(), ErrorInfo()
    try:
        status.ParseFromString(trailer)
        if len(status.details) != 1 or not status.details[0].Unpack(info):
            return None
    except DecodeError:
        return None
    details = dict(info.metadata)
    written = _checksum(code, info.reason, status.message, details) == details.pop(CHECKSUM, "")
    known = info.domain == ERROR_DOMAIN and info.reason in Reason.__members__ and status.code == code.value
    if not (written and known and CODES[Reason[info.reason]] is code and _is_whole(Reason[info.reason], details)):
        return None
    return WireError(Reason[info.reason], status.message, code, details)


def _is_whole(reason: Reason, details: Mapping[str, str]) -> bool:
    """Return whether a refusal has the details that its reason requires."""
    if reason is not Reason.SESSION_HELD:
        return True
    if not all(name in details for name in HOLDER):
        return False
    incarnation = details["incarnation"]
    digits = incarnation.isascii() and incarnation.isdecimal() and len(incarnation) <= len(str(MOST_INCARNATIONS))
    return digits and int(incarnation) < MOST_INCARNATIONS


def _handshake_advice(message: str, *, encrypted: bool) -> str:
    """Return which setting may be wrong; empty unless a connection was refused after it was made."""
    if "failed to connect" not in message:
        return ""
    found = [advice for words, advice in HANDSHAKE_ADVICE.items() if words in message]
    if not found and any(words in message for words in CLOSED_AT_ONCE):
        found = [MISSING_CERTIFICATE if encrypted else MISSING_TLS]
    return "".join(f"; {advice}" for advice in found)
