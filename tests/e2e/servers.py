"""Servers of a test: programs and configuration in, processes on free ports of loopback out, ended
with the block."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

LOOPBACK = "127.0.0.1"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.25
_LOG_LINES = 15

_T = TypeVar("_T")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A program that answers HTTP on one port of loopback; what it prints is in `log`."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def get(self, path: str, **query: str) -> bytes:
        with urlopen(f"{self.url}{path}?{urlencode(query)}", timeout=10) as response:
            content: bytes = response.read()
            return content

    def post(self, path: str, body: object) -> None:
        headers = {"Content-Type": "application/json"}
        with urlopen(
            Request(f"{self.url}{path}", json.dumps(body).encode(), headers), timeout=10
        ) as response:
            response.read()

    def json(self, path: str, **query: str) -> Any:
        return json.loads(self.get(path, **query))

    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"the last words of {self.name}:", *lines[-_LOG_LINES:]])


@contextmanager
def started(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    port: int,
    ready: str,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """The server, once it answers at the path `ready`; it ends with the block, whatever happens
    there."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*map(str, command)], cwd=cwd or folder, stdout=output, stderr=subprocess.STDOUT
        )
    server = Server(name, port, process, log)
    try:
        until(lambda: answers(server, ready), f"{name} answers", [server], _START_SECONDS)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(server: Server, path: str) -> bool:
    """Whether it does, with success; fails where its process has ended."""
    if server.process.poll() is not None:
        pytest.fail(f"{server.name} ended with {server.process.returncode}\n{server.last_words()}")
    try:
        server.get(path)
    except (URLError, OSError):
        return False
    return True


def until(
    ask: Callable[[], _T],
    what: str,
    servers: Sequence[Server] = (),
    seconds: float = 120,
    seen: Callable[[], Any] = str,
) -> _T:
    """What `ask` gives, once it is true; after so many seconds the test fails with what was seen
    instead."""
    end = time.monotonic() + seconds
    while not (found := ask()):
        if time.monotonic() > end:
            words = "\n".join(server.last_words() for server in servers)
            pytest.fail(f"not within {seconds:.0f} seconds: {what}\nseen: {seen()}\n{words}")
        time.sleep(_POLL_SECONDS)
    return found


@dataclass(frozen=True)
class Received:
    """One alert of one notification: the path that it was sent to, `firing` or `resolved`, labels
    and annotations."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(frozen=True)
class Message:
    """One notification: the path that it was sent to, `firing` or `resolved`, and its alerts."""

    receiver: str
    status: str
    alerts: tuple[Received, ...]


class Webhook:
    """An HTTP server that keeps every notification that Alertmanager posts to it, and its
    alerts."""

    def __init__(self) -> None:
        self.alerts: list[Received] = []
        self.messages: list[Message] = []
        received, messages = self.alerts, self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                path = self.path.strip("/")
                alerts = tuple(
                    Received(path, alert["status"], alert["labels"], alert["annotations"])
                    for alert in message["alerts"]
                )
                received.extend(alerts)
                messages.append(Message(path, message["status"], alerts))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the tests print what they saw."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.port: int = self._server.server_address[1]

    @contextmanager
    def running(self) -> Iterator[Webhook]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def got(self, receiver: str, status: str, **labels: str) -> list[Received]:
        """The alerts with these labels that this receiver was told of."""
        return [
            alert
            for alert in self.alerts
            if (alert.receiver, alert.status) == (receiver, status)
            and labels.items() <= alert.labels.items()
        ]
