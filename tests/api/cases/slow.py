"""Clients that take their time (slowloris, slow POST, slow read; CWE-400) are cut within the limits of docs/api.md:
10 s for the TLS handshake and for a header from its first byte, 30 s for a body, 30 s for taking an answer, 60 s
between two requests. All of them wait at the same time, so that the whole costs the longest of them.
"""
import socket
import ssl
import threading
import time

from suite import Unexpected, check, equal
from wire import Wire

GET = b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n"
START = b"POST /v1/volumes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LATE = 6  # seconds that a cut may be late on a busy machine


def tests(world):
    slow = {
        sentence: Slow(world, client, seconds)
        for sentence, client, seconds in (
            ("A header that arrives byte by byte is cut with 408 after 10 s", dripping_header, 10),
            ("A header that stops in the middle is cut with 408 after 10 s", half_a_header, 10),
            ("A TLS handshake that stops in the middle is cut after 10 s", half_a_handshake, 10),
            ("A connection that says nothing after its handshake is closed after 10 s", silent, 10),
            ("A body that arrives byte by byte is cut with 408 after 30 s", dripping_body, 30),
            ("A chunked body that stops in the middle is cut with 408 after 30 s", half_a_body, 30),
            ("A client that never reads its answers is cut after 30 s", never_reading, 30),
            ("A connection without a further request is closed after 60 s", idle, 60),
        )
    }
    yield "Others are served while slow clients keep the service waiting", lambda: others(world)
    for sentence, client in slow.items():
        yield sentence, client.result


class Slow:
    """client(world) runs in a thread of its own until the service has cut it; it must take `seconds`."""

    def __init__(self, world, client, seconds):
        self.seconds, self.failure, self.took = seconds, None, 0.0
        self.thread = threading.Thread(target=self._run, args=(world, client), daemon=True)
        self.thread.start()

    def _run(self, world, client):
        try:
            self.took = client(world)
        except BaseException as e:
            self.failure = e

    def result(self):
        self.thread.join(self.seconds + 60)
        if self.failure:
            raise self.failure
        check(not self.thread.is_alive(), "the service never cuts it")
        check(self.seconds - 1 <= self.took <= self.seconds + LATE, f"cut after {self.took:.1f} s")


def drip(world, first, rest):
    """Sends `rest` a byte every half second until the service answers; how long that took."""
    with Wire(world) as wire:
        wire.send(first)
        begin = time.monotonic()
        wire.socket.settimeout(0.5)
        for i in range(200):
            try:
                reply = wire.reply()
                break
            except TimeoutError:
                wire.send(rest[i : i + 1])
        else:
            raise Unexpected("100 s, and no answer")
        took = time.monotonic() - begin
        equal(reply.status, 408, "status")
        wire.socket.settimeout(30)
        wire.ended()
        return took


def stop(world, data):
    with Wire(world) as wire:
        wire.send(data)
        begin = time.monotonic()
        equal(wire.reply().status, 408, "status")
        took = time.monotonic() - begin
        wire.ended()
        return took


def dripping_header(world):
    return drip(world, GET + b"X-Other: ", b"y" * 200)


def dripping_body(world):
    return drip(world, START + b"Content-Length: 200\r\n\r\n", b"x" * 200)


def half_a_header(world):
    return stop(world, GET + b"X-Oth")


def half_a_body(world):
    return stop(world, START + b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc")


def until_end(connection):
    begin = time.monotonic()
    try:
        check(connection.recv(1) == b"", "it is told something")
    except (ConnectionResetError, ssl.SSLError):
        pass  # an end all the same
    return time.monotonic() - begin


def half_a_handshake(world):
    with socket.create_connection(("127.0.0.1", world.port), timeout=90) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a ClientHello's first bytes
        return until_end(plain)


def silent(world):
    with Wire(world) as wire:
        return until_end(wire.socket)


def idle(world):
    with Wire(world) as wire:
        wire.send(GET + b"\r\n")
        equal(wire.reply().status, 200, "status")
        return until_end(wire.socket)


def never_reading(world):
    """More answers are ordered than the buffers of both ends take."""
    with Wire(world, receive_buffer=4096) as wire:
        begin = time.monotonic()
        wire.send(b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        while world.peer_is_connected(wire.socket.getsockname()[1]):
            check(time.monotonic() - begin < 90, "90 s, and it is not cut")
            time.sleep(0.5)
        return time.monotonic() - begin


def others(world):
    for _ in range(20):
        begin = time.monotonic()
        with Wire(world, "bob") as wire:
            wire.send(GET + b"\r\n")
            equal(wire.reply().status, 200, "status")
        check(time.monotonic() - begin < 3, f"{time.monotonic() - begin:.1f} s for one request")
