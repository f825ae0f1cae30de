"""Ends a request to the trunk's server: counts it, and sets a status that says why it was refused."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeAlias

import grpc

from splitlearn.trunk.meter import Meter
from splitlearn.wire.errors import Code, WireError
from splitlearn.wire.status import status_of

__all__ = ["Context", "Handler", "ended"]

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


async def ended(answering: Awaitable[None], path: str, context: Context, meter: Meter) -> None:
    """Wait until a request to a method is answered, or end it with the status of its refusal."""
    try:
        await answering
        meter.answered(path, "OK")
    except WireError as error:
        meter.answered(path, error.code.name)
        await context.abort_with_status(status_of(error))
    except asyncio.CancelledError:
        meter.answered(path, Code.CANCELLED.name)
        raise
    except grpc.aio.InternalError:
        # The call ended, at its deadline or with its connection, just before the reply was sent: nobody waits for it.
        meter.answered(path, Code.CANCELLED.name)
