"""The relay itself: a server for the client, a client of the trunk."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn

import grpc

from harness.errors import HarnessError
from harness.plan.faults.damage import damaged
from harness.plan.faults.message_rule import MessageRule
from harness.relay.upstream import LARGEST, Ending, Request, TrunkAnswer, TrunkCall, Upstream, passable
from splitlearn.wire.options import MAX_STREAMS, server_options

__all__ = ["Relay"]

STOP_TIMEOUT = 20.0
DELIVERY_TIMEOUT = 30.0


class Relay(AbstractContextManager["Relay"]):
    """Listens as soon as it is constructed; every call and thread ends with the `with` block.

    Args:
        upstream: HOST:PORT of the trunk, which may be killed and restarted.
        note: takes (source, point, **fields) into the trace.

    Attributes:
        address: HOST:PORT for the client, or for the proxy between.
    """

    def __init__(self, upstream: str, note: Callable[..., object]) -> None:
        self._note = note
        self._trunk = Upstream(upstream)
        self._changing = threading.Lock()
        self._armed: list[MessageRule] = []
        self._kept: list[Request] = []
        # As many as a connection may have in flight, so that none waits for another here.
        self._threads = ThreadPoolExecutor(MAX_STREAMS, "relay")
        self._server = grpc.server(self._threads, [_EveryMethod(self._serve)], options=server_options(LARGEST))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abandon what is in flight, on both sides."""
        assert self._server.stop(None).wait(STOP_TIMEOUT), "a call of the relay does not end"
        self._threads.shutdown()
        self._trunk.close()

    def arm(self, rule: MessageRule) -> None:
        """Apply a rule once, to the next call of its method."""
        with self._changing:
            self._armed.append(rule)

    def deliver_late(self) -> None:
        """Send the held requests to the trunk and wait for its answers, which go nowhere else.

        Raises:
            HarnessError: none is held, or the relay has ended.
        """
        with self._changing:
            kept, self._kept = self._kept, []
        if not kept:
            raise HarnessError("the relay holds no request")
        for request in kept:
            ending = self._trunk.send(request, DELIVERY_TIMEOUT).answer().ending
            self._tell("request.delivered", request, code=ending.code.name, reason=ending.reason)

    def _serve(self, request: Request, context: grpc.ServicerContext) -> Iterator[bytes]:
        rule = self._take(request.method)
        if rule is None:
            yield from self._pass_on(request, context)
            return
        match rule.kind:
            case "lose request":
                self._tell("request.lost", request)
                _break_off(context, "the request was lost")
            case "hold":
                with self._changing:
                    self._kept.append(request)
                self._tell("request.kept", request)
                _break_off(context, "the request is kept back")
            case "lose reply":
                ending = self._send(request, context).answer().ending
                self._tell("reply.lost", request, code=ending.code.name, reason=ending.reason)
                _break_off(context, "the reply was lost")
            case "duplicate":
                first, second = (self._send(request, context).answer() for _ in range(2))
                self._tell("request.doubled", request, same=first == second, carried_out=_both_ok(first, second))
                yield from _give(second, context)
            case "corrupt request":
                self._tell("request.corrupted", request)
                yield from self._pass_on(replace(request, body=damaged(request.body, rule.spot)), context)
            case "corrupt reply":
                yield from self._damage_reply(rule, request, context)

    def _take(self, method: str) -> MessageRule | None:
        with self._changing:
            found = next((rule for rule in self._armed if rule.method == method), None)
            if found:
                self._armed.remove(found)
            return found

    def _tell(self, what: str, request: Request, **fields: object) -> None:
        self._note("relay", f"relay.{what}", method=request.method, **fields)

    def _send(self, request: Request, context: grpc.ServicerContext) -> TrunkCall:
        call = self._trunk.send(request, context.time_remaining())
        # What the client abandons, by cancellation, deadline or exit, is abandoned here.
        if not context.add_callback(call.cancel):
            call.cancel()
        return call

    def _pass_on(self, request: Request, context: grpc.ServicerContext) -> Iterator[bytes]:
        call = self._send(request, context)
        context.send_initial_metadata(call.header())
        yield from call.messages()
        _end(call.ending(), context)

    def _damage_reply(self, rule: MessageRule, request: Request, context: grpc.ServicerContext) -> Iterator[bytes]:
        answer = self._send(request, context).answer()
        if answer.messages:
            self._tell("reply.corrupted", request)
            first, *others = answer.messages
            answer = replace(answer, messages=(damaged(first, rule.spot), *others))
        else:
            self.arm(rule)  # a refusal has nothing to damage; the next reply may
        yield from _give(answer, context)


class _EveryMethod(grpc.GenericRpcHandler):
    """Accepts calls of any method, known or not, that takes one request."""

    def __init__(self, serve: Callable[[Request, grpc.ServicerContext], Iterator[bytes]]) -> None:
        self._serve = serve

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        def behavior(body: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            return self._serve(Request(details.method, body, passable(details.invocation_metadata)), context)

        return grpc.unary_stream_rpc_method_handler(behavior)


def _both_ok(*answers: TrunkAnswer) -> bool:
    return all(answer.ending.code is grpc.StatusCode.OK for answer in answers)


def _give(answer: TrunkAnswer, context: grpc.ServicerContext) -> Iterator[bytes]:
    context.send_initial_metadata(answer.header)
    yield from answer.messages
    _end(answer.ending, context)


def _end(ending: Ending, context: grpc.ServicerContext) -> None:
    context.set_trailing_metadata(ending.trailer)
    if ending.code is not grpc.StatusCode.OK:
        context.abort(ending.code, ending.details)


def _break_off(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNAVAILABLE, message)
