"""Too much at once from one connection. The limits: 1 MiB of body (413), 16 KiB of request line and header (431);
docs/api.md. RFC 9110 15.5.14 (413), RFC 6585 5 (431), RFC 9110 10.1.1 (Expect).
"""
import time

from suite import check, equal, tests_of
from wire import Wire, refusal

START = b"POST /v1/volumes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n"
TEN_MB = 10_000_000
MOST_RSS_MIB = 16  # of growth, by one client that sends 10 MB: nobody keeps what is over the limit


def tests(world):
    yield from tests_of(globals(), world)


def too_large(world, data):
    reply = refusal(world, data)
    equal(reply.status, 413, "status")
    check(b"1048576" in reply.body, f"the limit is not named: {reply.body!r}")


def test_declared(world):
    """A body of 10 MB is answered with 413, which a client that sends all of it first can read, and a clean end"""
    before = world.rss_mib()
    too_large(world, START + b"Content-Length: %d\r\n\r\n" % TEN_MB + b"x" * TEN_MB)
    check(world.rss_mib() - before <= MOST_RSS_MIB * 4, f"RSS went from {before} to {world.rss_mib()} MiB")


def test_chunked(world):
    """A chunked body of 10 MB is answered with 413 and a clean end"""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    too_large(world, START + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (TEN_MB // 65536) + b"0\r\n\r\n")


def test_small_chunks(world):
    """A body of 2 MB in chunks of one byte is answered with 413 and a clean end"""
    too_large(world, START + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 2_000_000 + b"0\r\n\r\n")


def test_expected(world):
    """A client that asks first with Expect: 100-continue is told 413 instead of 100"""
    with Wire(world) as wire:
        wire.send(START + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % TEN_MB)
        equal(wire.reply().status, 413, "status")
        wire.ended()


def test_endless_chunk_line(world):
    """A chunk whose size line does not end is answered with 400"""
    equal(refusal(world, START + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 200_000).status, 400, "status")


def test_endless_trailers(world):
    """Trailers that do not end are answered with 400 or 431"""
    said = START + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 100_000
    check(refusal(world, said).status in (400, 431), "another status")


def test_many_headers(world):
    """10,000 small header fields are answered with 431 and a clean end"""
    equal(refusal(world, GET + b"".join(b"X-%d: y\r\n" % i for i in range(10_000)) + b"\r\n").status, 431, "status")


def test_huge_header(world):
    """One header field of 1 MB is answered with 431 and a clean end"""
    equal(refusal(world, GET + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n").status, 431, "status")


def test_huge_target(world):
    """A request line of 1 MB is answered with 431 and a clean end"""
    equal(refusal(world, b"GET /" + b"y" * 1_000_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n").status, 431, "status")


def test_endless_header(world):
    """A header without an end is answered with 431 at once, not when time is over"""
    begin = time.monotonic()
    equal(refusal(world, GET + b"X: y\r\n" * 3_000).status, 431, "status")
    check(time.monotonic() - begin < 5, "it took longer than 5 s")


def test_large_but_allowed(world):
    """A header of 15 KiB is served"""
    with Wire(world) as wire:
        wire.send(GET + b"X: " + b"y" * (15 << 10) + b"\r\n\r\n")
        equal(wire.reply().status, 200, "status")


def test_afterwards(world):
    """Afterwards everybody is served as before"""
    world.alice.another().get("/v1/whoami")
