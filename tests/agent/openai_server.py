"""A scripted server that speaks OpenAI's chat completions protocol on loopback.

It gives prepared replies, one a request, whole or as a stream of server-sent events. Like
the real one it refuses a conversation in which a tool call has no result.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass(frozen=True)
class Says:
    """A completion.

    Attributes:
        content: Words.
        calls: Tool calls: a name and its arguments, as an object or as raw text.
        refusal: Words of a refusal.
        finish: Why it ended; by default what fits.
        drop_after: Close the connection after so many parts of the stream (or in the
            middle of a whole body).
        fail_after: Send an error event after so many parts of the stream.
        wait_s: Wait so long before the reply.
        pause_s: Wait so long before each part of the stream.
    """

    content: str | None = None
    calls: Sequence[tuple[str, Any]] = ()
    refusal: str | None = None
    finish: str | None = None
    drop_after: int | None = None
    fail_after: int | None = None
    wait_s: float = 0.0
    pause_s: float = 0.0


@dataclass(frozen=True)
class Fails:
    """An HTTP error."""

    status: int
    message: str = "it failed"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """A body as it stands, with status 200."""

    body: str


Reply = Says | Fails | Raw


def calls(tool: str, **arguments: Any) -> Says:
    """Return a reply that calls one tool."""
    return Says(calls=[(tool, arguments)])


def drafts(text: str, relations: Sequence[str] = (), **fields: Any) -> Says:
    """Return a reply that ends with an answer."""
    return calls("AnswerDraft", text=text, relations=list(relations), **fields)


class OpenAIServer(ThreadingHTTPServer):
    """The server; `requests` holds the bodies and `keys` the keys that came."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, replies: Sequence[Reply], *, keep_alive: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keep_alive = keep_alive
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.broken_off = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is counted, not shown."""
        self.broken_off += 1


@contextmanager
def serving(*replies: Reply, keep_alive: bool = False) -> Iterator[OpenAIServer]:
    """Run a server with these replies while the block runs."""
    server = OpenAIServer(replies, keep_alive=keep_alive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OpenAIServer

    def log_message(self, *args: Any) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self._next(body)
        if isinstance(reply, Fails):
            self._send(reply.status, _error(reply.message, reply.status), reply.headers)
        elif isinstance(reply, Raw):
            self._send(200, reply.body)
        elif (problem := _unanswered(body["messages"])) is not None:
            self._send(400, _error(problem, 400))
        else:
            self.server.closing.wait(reply.wait_s)
            (self._stream if body.get("stream") else self._whole)(reply, body)

    def _next(self, body: dict[str, Any]) -> Reply:
        server = self.server
        with server.lock:
            server.requests.append(body)
            server.keys.append(self.headers.get("Authorization", ""))
            server.times.append(time.monotonic())
            number = len(server.requests)
            if number > len(server.replies):
                return Fails(418, f"the script has no reply to request {number}")
            return server.replies[number - 1]

    def _send(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self._close_after()
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _close_after(self) -> None:
        if not self.server.keep_alive:
            self.send_header("Connection", "close")

    def _whole(self, reply: Says, body: dict[str, Any]) -> None:
        message = {
            "role": "assistant", "content": reply.content, "refusal": reply.refusal
        }  # fmt: skip
        if reply.calls:
            message["tool_calls"] = [_call(i, call) for i, call in enumerate(reply.calls)]
        choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
        text = json.dumps(_envelope(body, "chat.completion", [choice]) | {"usage": USAGE})
        if reply.drop_after is None:
            self._send(200, text)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2].encode())
        self.close_connection = True

    def _stream(self, reply: Says, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self._close_after()
        self.end_headers()
        for number, delta in enumerate(_deltas(reply)):
            if number == reply.drop_after:
                self.close_connection = True
                return
            if number == reply.fail_after:
                self._event(_error("the engine died", 500))
                break
            self.server.closing.wait(reply.pause_s)
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            self._event(json.dumps(_envelope(body, "chat.completion.chunk", [choice])))
        else:
            last = {"index": 0, "delta": {}, "finish_reason": _finish(reply)}
            self._event(json.dumps(_envelope(body, "chat.completion.chunk", [last])))
        if (body.get("stream_options") or {}).get("include_usage"):
            self._event(json.dumps(_envelope(body, "chat.completion.chunk", []) | {"usage": USAGE}))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        line = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()


def _error(message: str, status: int) -> str:
    return json.dumps({"error": {"message": message, "type": "scripted", "code": status}})


def _envelope(body: dict[str, Any], kind: str, choices: list[Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"],
        "choices": choices,
    }  # fmt: skip


def _call(index: int, call: tuple[str, Any]) -> dict[str, Any]:
    name, arguments = call
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    return {"id": f"call_{time.monotonic_ns()}_{index}", "type": "function", "function": function}


def _finish(reply: Says) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _deltas(reply: Says) -> Iterator[dict[str, Any]]:
    """Yield a completion in small parts, as a provider streams it."""
    yield {"role": "assistant", "content": ""}
    for piece in _pieces(reply.content or ""):
        yield {"content": piece}
    for piece in _pieces(reply.refusal or ""):
        yield {"refusal": piece}
    for index, call in enumerate(reply.calls):
        whole = _call(index, call)
        function = whole["function"]
        first = {**whole, "index": index, "function": {**function, "arguments": ""}}
        yield {"tool_calls": [first]}
        for piece in _pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str, size: int = 7) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def _unanswered(messages: Sequence[dict[str, Any]]) -> str | None:
    """Return OpenAI's complaint if a tool call has no result right after it."""
    for at, message in enumerate(messages):
        wanted = {call["id"] for call in message.get("tool_calls") or ()}
        for later in messages[at + 1 :]:
            if later["role"] != "tool":
                break
            wanted.discard(later["tool_call_id"])
        if wanted:
            return f"tool_call_ids did not have response messages: {', '.join(sorted(wanted))}"
    return None
