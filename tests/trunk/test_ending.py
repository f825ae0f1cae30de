"""How a request ends at the server when gRPC itself has ended the call."""

import asyncio

import grpc
import pytest

from splitlearn.trunk.ending import ended


class CountingMeter:
    """Remembers how requests ended."""

    def __init__(self):
        self.codes = []

    def answered(self, _path, code):
        """Note the code."""
        self.codes.append(code)


def test_a_reply_to_a_call_that_has_just_ended_is_no_defect():
    async def write_too_late():
        raise grpc.aio.InternalError('Failed "execute_batch"')

    meter = CountingMeter()
    asyncio.run(ended(write_too_late(), "/Compute", None, meter))

    assert meter.codes == ["CANCELLED"]


def test_a_request_that_its_client_gave_up_is_counted():
    async def given_up():
        raise asyncio.CancelledError

    meter = CountingMeter()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ended(given_up(), "/Compute", None, meter))

    assert meter.codes == ["CANCELLED"]
