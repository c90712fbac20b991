"""A connection that says exactly what a test tells it to, over TLS with a person's certificate."""
import re
import socket
import ssl

from suite import Unexpected, check, equal


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Wire:
    """With `by` None: TLS without a certificate."""

    def __init__(self, world, by="alice", timeout=90, receive_buffer=None, session=None):
        self.received = b""
        plain = socket.socket()
        plain.settimeout(timeout)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.connect(("127.0.0.1", world.port))
        self.socket = tls_context(world, by).wrap_socket(plain, server_hostname="localhost", session=session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False when the server has closed: it may refuse before it has heard everything."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return False

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Unexpected(f"the connection ended before an answer; it had {self.received[:200]!r}")
        self.received += data

    def reply(self):
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self.received) < length:
            self._more()
        body, self.received = self.received[:length], self.received[length:]
        return Reply(int(re.match(r"HTTP/1\.1 (\d{3}) ", first).group(1)), headers, body)

    def ended(self):
        """Waits for the end, which must come in order (a TLS close, no reset) and without another word."""
        try:
            more = self.received + self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLError) as e:
            raise Unexpected(f"the connection is cut, not closed: {e!r}") from e
        check(not more, f"there is more than the refusal: {more[:300]!r}")


def tls_context(world, by):
    if by not in world.contexts:
        context = ssl.create_default_context(cafile=str(world.ca / "ca.pem"))
        context.suppress_ragged_eofs = False
        if by:
            context.load_cert_chain(f"{world.home}/{by}-cert.pem", f"{world.home}/{by}-key.pem")
        world.contexts[by] = context
    return world.contexts[by]


def refusal(world, data, by="alice"):
    """Says `data` on a connection of its own: the one answer, which must be followed by a clean end."""
    with Wire(world, by) as wire:
        wire.send(data)
        reply = wire.reply()
        check(reply.status >= 400, f"it is not refused: {reply.status} {reply.body[:300]!r}")
        equal(reply.headers.get("connection"), "close", f"Connection (status {reply.status})")
        wire.ended()
        return reply
