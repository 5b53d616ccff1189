"""A small HTTP/1.1 client on a kept-open socket: what the clients of a load run use.

The load and the server share the machine's cores, so the client must cost next to nothing.
"""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any


class Broken(ConnectionError):
    """The server closed the connection before a whole answer had come."""


class Client:
    """One connection to 127.0.0.1. `headers`: raw lines, each with its CRLF."""

    def __init__(self, port: int, headers: str = "") -> None:
        self._address = ("127.0.0.1", port)
        self._headers = f"Host: 127.0.0.1:{port}\r\nAccept: application/json\r\n{headers}"
        self._socket: socket.socket | None = None

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def post(self, path: str, body: dict[str, Any] | None = None, more: str = "") -> tuple[int, Any]:
        """(status, decoded body). Raises Broken or another OSError; then the next request connects anew."""
        data = json.dumps(body).encode() if body is not None else b"{}"
        head = (
            f"POST {path} HTTP/1.1\r\n{self._headers}{more}"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        try:
            return self._exchange(head.encode() + data)
        except OSError:
            self.close()
            raise

    def _exchange(self, request: bytes) -> tuple[int, Any]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = bytearray(received[end + 4 :])
        while len(body) < length:
            body += self._more()
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), json.loads(body) if body else None

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(65_536)
        if not data:
            raise Broken("closed by the server")
        return data
