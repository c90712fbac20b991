"""Requests that two parties on the way could read differently (request smuggling, CWE-444): refused with 400, the
connection closed, and what stands behind such a request on the same connection is never executed.

The rules: RFC 9112 2.2 (line endings, white space), 3.2 (target), 5.1 and 5.2 (field lines, obs-fold), 6.1 to 6.3
(Transfer-Encoding, Content-Length), 7.1 (chunks); RFC 9110 5.5 (field values), 7.2 (Host), 8.6 (Content-Length).
"""
import uuid

from suite import check, equal
from wire import Wire, refusal

# Each lands in the middle of a POST that is right but for it; RFC section, sentence, header lines.
HEADERS = (
    ("6.3", "Content-Length before Transfer-Encoding", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    ("6.3", "Transfer-Encoding before Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ("6.3", "two Content-Lengths that differ", b"Content-Length: 5\r\nContent-Length: 6\r\n"),
    ("6.3", "two Content-Lengths that agree", b"Content-Length: 5\r\nContent-Length: 5\r\n"),
    ("6.3", "a list of Content-Lengths", b"Content-Length: 5, 5\r\n"),
    ("6.2", "a negative Content-Length", b"Content-Length: -5\r\n"),
    ("6.2", "a Content-Length with a plus sign", b"Content-Length: +5\r\n"),
    ("6.2", "a hexadecimal Content-Length", b"Content-Length: 0x5\r\n"),
    ("6.2", "an empty Content-Length", b"Content-Length:\r\n"),
    ("6.2", "a Content-Length beyond 64 bits", b"Content-Length: 18446744073709551621\r\n"),
    ("6.2", "a Content-Length with a vertical tab", b"Content-Length: \x0b5\r\n"),
    ("6.1", "Transfer-Encoding 'xchunked'", b"Transfer-Encoding: xchunked\r\n"),
    ("6.1", "Transfer-Encoding 'chunked, identity'", b"Transfer-Encoding: chunked, identity\r\n"),
    ("6.1", "Transfer-Encoding 'identity'", b"Transfer-Encoding: identity\r\n"),
    ("6.1", "Transfer-Encoding 'gzip, chunked'", b"Transfer-Encoding: gzip, chunked\r\n"),
    ("6.1", "two Transfer-Encodings", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    ("6.1", "Transfer-Encoding with a quoted value", b'Transfer-Encoding: "chunked"\r\n'),
    ("5.2", "obs-fold in a field", b"Content-Length: 5\r\nX-Other: a\r\n b\r\n"),
    ("5.2", "obs-fold that hides 'chunked'", b"Transfer-Encoding:\r\n chunked\r\n"),
    ("5.2", "white space before the first field's name", b" Content-Length: 5\r\n"),
    ("2.2", "a field line that ends with LF alone", b"Content-Length: 5\nX-Other: a\r\n"),
    ("2.2", "a CR inside a field line", b"X-Other: a\rContent-Length: 5\r\n"),
    ("5.1", "a space before the colon", b"Content-Length : 5\r\n"),
    ("5.1", "a tab before the colon", b"Transfer-Encoding\t: chunked\r\n"),
    ("5.1", "a field without a name", b": 5\r\nContent-Length: 5\r\n"),
    ("5.1", "a field line without a colon", b"Content-Length 5\r\n"),
    ("5.1", "a field name with an underscore's neighbour '('", b"Content(Length: 5\r\n"),
    ("9110 5.5", "a NUL in a field value", b"Content-Length: 5\r\nX-Other: a\0b\r\n"),
    ("9110 5.5", "a NUL in a field name", b"Content-Length: 5\r\nX\0Other: a\r\n"),
    ("9110 7.2", "two Host fields", b"Content-Length: 5\r\nHost: elsewhere\r\n"),
)
CHUNKS = (
    ("a negative chunk size", b"-5\r\nhello\r\n"),
    ("a chunk size with a plus sign", b"+5\r\nhello\r\n"),
    ("a chunk size of 17 digits", b"10000000000000005\r\nhello\r\n"),
    ("a chunk size with '0x'", b"0x5\r\nhello\r\n"),
    ("an empty chunk size", b"\r\nhello\r\n"),
    ("a chunk size line that ends with LF alone", b"5\nhello\r\n"),
    ("a chunk that is longer than it says", b"2\r\n{}xx\r\n"),
    ("a space behind the chunk size", b"5 \r\nhello\r\n"),
    ("a chunk extension with a quote that never ends", b'5;a="b\r\nhello\r\n'),
    ("a chunk extension with a bare LF in quotes", b'5;a="\nb"\r\nhello\r\n'),
)
TARGETS = (
    ("the absolute form of another host", b"GET http://elsewhere/v1/volumes HTTP/1.1"),
    ("the absolute form of this host", b"GET https://localhost/v1/volumes HTTP/1.1"),
    ("the authority form", b"GET localhost:443 HTTP/1.1"),
    ("the asterisk form with GET", b"GET * HTTP/1.1"),
    ("a target that begins with two slashes", b"GET //elsewhere/v1/volumes HTTP/1.1"),
    ("a target with a fragment", b"GET /v1/volumes#x HTTP/1.1"),
    ("a target with a backslash", b"GET /v1\\volumes HTTP/1.1"),
    ("a tab instead of the first space", b"GET\t/v1/volumes HTTP/1.1"),
    ("two spaces before the target", b"GET  /v1/volumes HTTP/1.1"),
    ("white space behind the version", b"GET /v1/volumes HTTP/1.1 "),
    ("a NUL in the target", b"GET /v1/vol\0umes HTTP/1.1"),
    ("white space within the version", b"GET /v1/volumes HTTP/ 1.1"),
)
START = b"POST /v1/volumes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def tests(world):
    for section, what, lines in HEADERS:
        yield f"{what} is refused (RFC {rfc(section)})", lambda h=START + lines: never_executed(world, h + b"\r\n0\r\n\r\n")
    for what, chunks in CHUNKS:
        said = START + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        yield f"{what} is refused (RFC 9112 7.1)", lambda s=said: never_executed(world, s)
    for what, line in TARGETS:
        yield f"{what} is refused (RFC 9112 3.2)", lambda s=line + b"\r\nHost: localhost\r\n\r\n": never_executed(world, s)
    yield "an HTTP/1.0 request with Transfer-Encoding is refused (RFC 9112 6.1)", lambda: never_executed(
        world, START.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    yield "an empty line before the request line is refused (RFC 9112 2.2)", lambda: never_executed(
        world, b"\r\nGET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    yield "CONNECT is refused, and makes no tunnel (RFC 9110 9.3.6)", lambda: never_executed(
        world, b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n", (400, 501)
    )
    yield "HTTP/2's preface is refused (RFC 9113 3.4)", lambda: never_executed(
        world, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)
    )
    yield "an upgrade to h2c is not taken up: the answer is HTTP/1.1's (RFC 9110 7.8)", lambda: no_upgrade(world)
    yield "what follows a refused body is never executed", lambda: never_executed(
        world, START + b"Content-Length: 10485760\r\n\r\n", (413,)
    )
    yield "trailers are not taken for headers (RFC 9112 7.1.2)", lambda: trailers(world)
    yield "the bytes behind a body are the next request, not more of it (RFC 9112 6.3)", lambda: in_order(world)


def rfc(section):
    return section if section.startswith("9110") else "9112 " + section


def creation(name):
    body = b'{"size_bytes": 1048576, "name": "%s"}' % name.encode()
    return START + b"Content-Length: %d\r\n\r\n" % len(body) + body


def never_executed(world, data, statuses=(400,)):
    """`data`, and a request that is right behind it: one refusal, the end, and no volume."""
    name = "smuggled-" + uuid.uuid4().hex
    with world.store.unchanged():
        reply = refusal(world, data + creation(name))
    check(reply.status in statuses, f"{reply.status} {reply.body[:300]!r}, expected {statuses}")
    equal(world.store.query("SELECT count(*) FROM volumes WHERE name = ?", name), [(0,)], "volumes of that name")


def no_upgrade(world):
    with Wire(world) as wire:
        wire.send(
            b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        )
        equal(wire.reply().status, 200, "status")


def trailers(world):
    key, name = uuid.uuid4().hex, "trailer-" + uuid.uuid4().hex
    body = b'{"size_bytes": 1048576, "name": "%s"}' % name.encode()
    said = b"Transfer-Encoding: chunked\r\nPrefer: wait=60\r\n\r\n%x\r\n%s\r\n0\r\nIdempotency-Key: %s\r\n\r\n" % (
        len(body),
        body,
        key.encode(),
    )
    with Wire(world) as wire:
        wire.send(START + said)
        equal(wire.reply().status, 202, "status")
    equal(world.store.query("SELECT count(*) FROM idempotency_keys WHERE token = ?", key), [(0,)], "keys taken")
    world.alice.delete(world.store.query("SELECT id FROM volumes WHERE name = ?", name)[0][0])


def in_order(world):
    get = b"GET /v1/volumes?name=%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    with Wire(world) as wire:
        wire.send(get % b"a" + get % b"b" + b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n")
        equal([wire.reply().status for _ in range(3)], [200] * 3, "the answers")
