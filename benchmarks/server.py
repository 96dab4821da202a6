"""A stand-in for an endpoint: answers every completion after a fixed delay, at next to no cost, in its own process.

Speaks just enough HTTP/1.1 for a benchmark (keep-alive, Content-Length, no chunks), on a bare protocol: a web
framework would be most of what is measured. Prints its base address on the first line and runs until it is ended:

    python benchmarks/server.py --delay 0.05 &

It does not check requests, and it listens on loopback only.
"""

import argparse
import asyncio
import json
from contextlib import suppress

MODEL = "bench"
_MODELS = {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "weakspot-bench"}]}
_COMPLETION = {
    "id": "bench",
    "object": "chat.completion",
    "model": MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "OK."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 16, "completion_tokens": 2, "total_tokens": 18},
}


def _http(body: dict[str, object]) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


class Answering(asyncio.Protocol):
    """One connection: requests in, the same answer out after `delay_s`; requests that come together stay in order."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._buffer = b""
        self._completion = _http(dict(_COMPLETION))
        self._models = _http(dict(_MODELS))
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what TCP gives
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The client has gone: what is still to be answered is dropped."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer each whole request, at once to GET and after the delay to the rest."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            total = end + 4 + _length(head)
            if len(self._buffer) < total:
                return
            self._buffer = self._buffer[total:]
            if head.startswith(b"get "):
                self._answer(self._models)
            else:
                asyncio.get_running_loop().call_later(self._delay_s, self._answer, self._completion)

    def _answer(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def serve(port: int, delay_s: float) -> None:
    """Listen on loopback until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(delay_s), "127.0.0.1", port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="answers every completion after a fixed delay")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds")
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments.port, arguments.delay))


if __name__ == "__main__":
    main()
