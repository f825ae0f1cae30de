"""How a request ends at the server when gRPC itself has ended the call."""

import asyncio

import grpc

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
