"""What uvicorn's HTTP protocol lacks here: limits, time limits, and a safe end of connections.

This builds on private parts of uvicorn's `HttpToolsProtocol`. uvicorn is locked by hash, and the
tests of slow clients, odd clients and smuggled requests fail if those parts change.

Two rules keep one client's bytes from becoming another's request, where a proxy sends the requests
of many over one connection (request smuggling: RFC 9112, 11.2). No byte that was received is
changed. And a connection is kept only for as long as every request on it came whole before it was
answered: until a request is whole, its `keep_alive` is false, which makes uvicorn say `connection:
close` and close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve.errors import HeadTooLarge, Refusal, RequestTimeout
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
    """A connection with time limits, whose requests are exactly those that its client sent.

    uvicorn waits without limit for the rest of a request and for the reader of an answer, and puts
    no limit on a head. Here each connection notes since when it has been receiving or sending, and
    the server looks at all of them in turn, which is cheaper than a timer for each request.
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
        self.active: RequestResponseCycle | None = None  # what is being answered
        self.unfinished = False  # whether a part of a request has come, and more may follow
        self.discarded: int | None = None  # bytes that were ignored, once nothing more is parsed

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the transport, so that closing it is safe, and expect a request in time."""
        super().connection_made(Transport(transport, self.keep_reading))  # type: ignore[arg-type]
        self.receiving_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the request that is being answered: its client is gone."""
        self.unfinished = False
        self.abandon()
        super().connection_lost(exc)

    def abandon(self) -> None:
        """Mark the request that is being answered as disconnected; uvicorn marks the latest."""
        if self.active is not None:
            self.active.disconnected = True
            self.active.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.active = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse what is not HTTP, and a head or trailers that are too long."""
        if self.discarded is not None:
            self.discard(len(data))
            return
        self._unset_keepalive_if_required()
        if self.receiving_since is None:  # after empty lines, too, a request must come in time
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
        """Parse the body of a request that asks for an upgrade, which is never agreed to."""
        self.parser = HttpRequestParser(body_framing.Body(self))
        try:
            self.parser.feed_data(body_framing.head(self.scope["headers"]))
            self.parser.feed_data(data)
        except HttpParserError:
            self.stop(None)

    def on_message_begin(self) -> None:
        """Begin a request.

        Raises HttpParserError, to stop the parser, after one that was the last.
        """
        if self.cycle is not None and not self.cycle.keep_alive:
            raise HttpParserError("the request before this one was the last")
        self.receiving_since = self.loop.time()
        self.unfinished = True
        self.overhead = 0
        self.coded = False
        super().on_message_begin()
        self.scope["extensions"] = EXTENSIONS

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the request, and note Expect and Transfer-Encoding."""
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == b"transfer-encoding":
            self.coded = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Check the framing, begin to answer, and hold `keep_alive` false until the body is whole.

        Raises MalformedRequest where it is not clear to every server where the request ends.
        """
        upgrade, version = self.parser.should_upgrade(), self.parser.get_http_version()
        if upgrade or self.coded or version != "1.1":
            body_framing.check(self.parser.get_method(), version, self.headers)
            # A client of HTTP/1.0 does not know status 100 (RFC 9110, 10.1.1).
            self.expect_100_continue = self.expect_100_continue and version == "1.1"
        super().on_headers_complete()
        self.headers = []  # later fields are trailers, which are no headers of this request
        self.last = upgrade or not self.cycle.keep_alive
        self.cycle.keep_alive = False  # until its message is whole

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on, and take it out of what counts towards LONGEST_HEAD."""
        # More than a byte takes with its framing, even in a chunk of its own ("1\r\nx\r\n").
        self.overhead -= 9 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole; keep the connection if it was before its answer began."""
        if self.parser.should_upgrade():  # httptools calls this after the head; the body follows
            return
        self.receiving_since = None
        self.unfinished = False
        super().on_message_complete()
        last = self.last or not self.parser.should_keep_alive()  # a trailer may have said so
        self.cycle.keep_alive = not (last or self.cycle.response_started)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Let whole requests of a client that sends no more be answered, which uvicorn would drop.

        Returns whether one is, for the transport must stay open until then.
        """
        self.unfinished = False
        self.receiving_since = None
        return self.finish_after_whole()

    def shutdown(self) -> None:
        """Make the request that is arriving the last; close at once if one was refused."""
        self.last = self.leaving = True
        if self.transport.lingers:
            self.transport.close_now()
        super().shutdown()

    def stop(self, reason: BaseException | None) -> None:
        """Stop parsing: refuse what is arriving, or ignore it where it follows the last request."""
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
        """Make the latest request that came whole the last; return False if all are answered."""
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        latest = self.pipeline[0][0] if self.pipeline else self.active
        if latest is None or latest.more_body or latest.response_complete:
            return False
        self.cycle = latest
        self.cycle.keep_alive = False
        return True

    def keep_reading(self) -> bool:
        """Prepare to ignore what still arrives; return False if nothing does."""
        if self.leaving or not self.unfinished:
            return False
        self.discarded = 0
        self.receiving_since = self.loop.time()
        self.flow.resume_reading()
        return True

    def discard(self, count: int) -> None:
        """Count bytes that are ignored; abort the connection when there are too many."""
        self.discarded = (self.discarded or 0) + count
        if self.discarded > lingering_close.MOST:
            self.transport.abort()

    def end_if_late(self, now: float, seconds: float) -> None:
        """End the connection if a request did not come, or an answer was not read, in time.

        `now` is the time of the event loop; `seconds` is the limit.
        """
        if self.receiving_since is not None and now - self.receiving_since > seconds:
            if self.transport.lingers:
                self.transport.abort()
                return
            self.end(RequestTimeout("The request must arrive whole within REQUEST_SECONDS."))
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self.unsent:
            self.unsent = unsent
            self.sending_since = now
        elif now - self.sending_since > seconds:
            self.service.refused(
                "other", RequestTimeout("The answer must be read within REQUEST_SECONDS.")
            )
            self.transport.abort()
