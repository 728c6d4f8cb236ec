"""What uvicorn's HTTP protocol lacks here: limits, punctuality, and a safe end.

All lean on the inside of `HttpToolsProtocol`; uvicorn is locked by hash, and the tests of slow and
odd clients and of smuggled requests fail if its inside changes.

Two rules keep one client's bytes from becoming another's request, where a proxy sends the requests
of many over one connection. No byte that was received is changed. And a connection is kept only for
as long as every request on it came whole before it was answered: until a request is whole, its
`keep_alive` is false, which makes uvicorn say `connection: close` and close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve.errors import HeadTooLarge, Late, Refusal
from serve.http import JSON, encode
from serve.server import body_framing, lingering_close
from serve.server.early_answers import EXTENSIONS, STATUS_LINES
from serve.server.lingering_close import Transport

if TYPE_CHECKING:
    import asyncio

    from serve.api.service import Service

LONGEST_HEAD = 64 * 1024  # bytes
NOT_HTTP = body_framing.malformed("request must be HTTP/1.1", "something else")


class Protocol(HttpToolsProtocol):
    """A connection that is not held open for ever, and whose requests are those of its client.

    uvicorn waits without end for the rest of a request, for a reader of its answer, and for the end
    of a header. Here each connection notes since when it has been receiving or sending, and the
    server sweeps them: cheaper than a timer for each request.
    """

    transport: Transport  # type: ignore[assignment]

    def __init__(self, *arguments: Any, service: Service, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self.service = service
        self.receiving_since: float | None = None
        self.sending_since = 0.0
        self.unsent = 0
        self.overhead = 0  # bytes of this request that are not its body
        self.coded = False  # whether it has a Transfer-Encoding
        self.last = False  # whether its client, or the server, wants no request after it
        self.leaving = False  # whether the server is about to end
        self.active: RequestResponseCycle | None = None
        self.unfinished = False  # whether there came a part of a request, and more may follow
        self.discarded: int | None = None  # bytes, once nothing more is parsed

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Transport(transport, self.keep_reading))  # type: ignore[arg-type]
        self.receiving_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self.unfinished = False
        self.abandon()
        super().connection_lost(exc)

    def abandon(self) -> None:
        """Tell the request that is being answered that nobody waits; uvicorn tells the latest."""
        if self.active is not None:
            self.active.disconnected = True
            self.active.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.active = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse a head that does not end, or a trailer, or the like."""
        if self.discarded is not None:
            self.discard(len(data))
            return
        self._unset_keepalive_if_required()
        if self.receiving_since is None:  # empty lines, too, must become a request in time
            self.receiving_since = self.loop.time()
        self.overhead += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self.parse_body(data[upgrade.args[0] :])
        except HttpParserError as error:
            self.stop(error.__context__)
        if self.overhead > LONGEST_HEAD and self.unfinished and self.discarded is None:
            self.end(HeadTooLarge())

    def parse_body(self, data: bytes) -> None:
        """Parse the body of a request that asks for an upgrade: there is nothing to upgrade to."""
        self.parser = HttpRequestParser(body_framing.Body(self))
        try:
            self.parser.feed_data(body_framing.head(self.scope["headers"]))
            self.parser.feed_data(data)
        except HttpParserError:
            self.stop(None)

    def on_message_begin(self) -> None:
        if self.cycle is not None and not self.cycle.keep_alive:
            raise HttpParserError("the request before this one was the last")
        self.receiving_since = self.loop.time()
        self.unfinished = True
        self.overhead = 0
        self.coded = False
        super().on_message_begin()
        self.scope["extensions"] = EXTENSIONS

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == b"transfer-encoding":
            self.coded = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        upgrade, version = self.parser.should_upgrade(), self.parser.get_http_version()
        if upgrade or self.coded or version != "1.1":
            body_framing.check(self.parser.get_method(), version, self.headers)
            # A client of HTTP/1.0 does not know what 100 means.
            self.expect_100_continue = self.expect_100_continue and version == "1.1"
        super().on_headers_complete()
        self.headers = []  # what comes now are trailers, and no headers of this request
        self.last = upgrade or not self.cycle.keep_alive
        self.cycle.keep_alive = False  # until its message is whole

    def on_body(self, body: bytes) -> None:
        self.overhead -= 9 * len(body)  # even in chunks of one byte it has less than that around it
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():  # httptools means the head; the body is yet to come
            return
        self.receiving_since = None
        self.unfinished = False
        super().on_message_complete()
        last = self.last or not self.parser.should_keep_alive()  # a trailer may have said so
        self.cycle.keep_alive = not (last or self.cycle.response_started)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a whole request of a client that sends no more, which uvicorn drops."""
        self.unfinished = False
        self.receiving_since = None
        return self.finish_after_whole()

    def shutdown(self) -> None:
        """Let the request that is arriving be the last, and wait for no rest of a refused one."""
        self.last = self.leaving = True
        if self.transport.lingers:
            self.transport.close_now()
        super().shutdown()

    def stop(self, reason: BaseException | None) -> None:
        """Parse no more: refuse what is arriving, or throw it away where it follows the last."""
        after_last = self.cycle is not None and not (self.unfinished or self.cycle.keep_alive)
        self.unfinished = True
        if after_last:
            self.discarded = 0
        else:
            self.end(reason if isinstance(reason, Refusal) else NOT_HTTP)

    def end(self, refusal: Refusal) -> None:
        """Refuse what is arriving, after what came before it is answered, and close."""
        self.receiving_since = None
        self.service.refused("other", refusal)
        if self.finish_after_whole():
            self.discarded = 0
            return
        if self.active is None or self.active.response_complete or not self.active.response_started:
            body = encode(refusal.problem)
            head = b"connection: close\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (
                JSON,
                len(body),
            )
            self.transport.write(STATUS_LINES[refusal.status] + head + body)
        self.abandon()
        self.transport.close()

    def finish_after_whole(self) -> bool:
        """Let the latest request that came whole be the last; return False if all are answered."""
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        latest = self.pipeline[0][0] if self.pipeline else self.active
        if latest is None or latest.more_body or latest.response_complete:
            return False
        self.cycle = latest
        self.cycle.keep_alive = False
        return True

    def keep_reading(self) -> bool:
        """Prepare to throw away what still arrives; return False if nothing does."""
        if self.leaving or not self.unfinished:
            return False
        self.discarded = 0
        self.receiving_since = self.loop.time()
        self.flow.resume_reading()
        return True

    def discard(self, count: int) -> None:
        self.discarded = (self.discarded or 0) + count
        if self.discarded > lingering_close.MOST:
            self.transport.abort()

    def end_if_late(self, now: float, seconds: float) -> None:
        """End the connection if a request has not come, or an answer has not gone, in time."""
        if self.receiving_since is not None and now - self.receiving_since > seconds:
            if self.transport.lingers:
                self.transport.abort()
                return
            self.end(Late("The request must arrive whole within REQUEST_SECONDS."))
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self.unsent:
            self.unsent = unsent
            self.sending_since = now
        elif now - self.sending_since > seconds:
            self.service.refused("other", Late("The answer must be read within REQUEST_SECONDS."))
            self.transport.abort()
