"""Who is not let in, and what another user's objects look like: exactly like nothing."""
import http.client
import re
import ssl

from client import Client
from suite import check, equal, tests_of
from things import Refused


def tests(world):
    yield from tests_of(globals(), world)
    t = world.things
    for request in stranger_requests(world):
        method, said, body = request
        for name in ("volume", "snapshot", "operation", "attached"):
            said = said.replace(getattr(t, name) or "-", f"{{{name}}}")
        yield (
            f"to bob {method} {said} {fields(body)}answers as for an unknown id",
            lambda r=request: same_as_unknown(world, *r),
        )


def fields(body):
    """Their names tell one request from the other."""
    return "" if not body else f"with {', '.join(body)} "


def stranger_requests(world):
    t, m = world.things, 4 << 20
    place = {"host": "node1", "vm": "vbs-off2", "mode": "ro"}
    for volume in filter(None, (t.volume, t.attached)):
        v = "/v1/volumes/" + volume
        yield from (
            ("GET", v, None),
            ("PATCH", v, {"name": "mine"}),
            ("DELETE", v, None),
            ("POST", v + "/extend", {"size_bytes": m}),
            ("POST", v + "/attach", place),
            ("POST", v + "/attach", {**place, "mode": "rw"}),
            ("POST", v + "/detach", {}),
            ("POST", v + "/detach", {"all": True, "force": True}),
            ("GET", v + "/explain", None),
            ("GET", v + "/grants", None),
            ("POST", v + "/grants", {"user": "CN=bob,O=VBS"}),
            ("POST", v + "/ungrant", {"user": "CN=bob,O=VBS"}),
            ("POST", "/v1/snapshots", {"volume_id": volume}),
            ("POST", "/v1/volumes", {"volume_id": volume}),
            ("POST", "/v1/volumes", {"volume_id": volume, "size_bytes": 1 << 20}),
            ("POST", "/v1/volumes", {"volume_id": volume, "backend": "second"}),
            ("GET", "/v1/attachments?volume_id=" + volume, None),
            ("GET", "/v1/volumes?marker=" + volume, None),
            ("GET", "/v1/volumes?id=" + volume, None),
            ("GET", "/v1/snapshots?volume_id=" + volume, None),
            ("GET", "/v1/operations?object_id=" + volume, None),
        )
    s = "/v1/snapshots/" + t.snapshot
    yield from (
        ("GET", s, None),
        ("PATCH", s, {"name": "mine"}),
        ("DELETE", s, None),
        ("POST", "/v1/volumes", {"snapshot_id": t.snapshot}),
        ("POST", "/v1/volumes", {"snapshot_id": t.snapshot, "size_bytes": 1 << 20}),
        ("GET", "/v1/snapshots?marker=" + t.snapshot, None),
        ("GET", "/v1/snapshots?id=" + t.snapshot, None),
        ("GET", "/v1/operations?object_id=" + t.snapshot, None),
    )
    o = "/v1/operations/" + t.operation
    yield from (
        ("GET", o, None),
        ("GET", o + "?wait=1", None),
        ("POST", o + "/cancel", None),
        ("POST", o + "/retry", None),
    )


def same_as_unknown(world, method, target, body):
    """Status, header names and body must be the same but for the id itself and what every answer has of its own."""
    t = world.things
    ids = {i for i in (t.volume, t.snapshot, t.operation, t.attached) if i}

    def to_unknown(text):
        for i in ids:
            text = text.replace(i, t.unknown)
        return text

    with world.store.unchanged():
        real = world.bob.ask(method, target, body)
        none = world.bob.ask(
            method,
            to_unknown(target),
            body and {k: to_unknown(v) if isinstance(v, str) else v for k, v in body.items()},
        )

    def essence(answer):
        text = re.sub(r"req-[0-9a-f-]+|\"request_id\":\"[^\"]*\"", "R", to_unknown(answer.body.decode()))
        return answer.status, sorted(answer.headers), text

    equal(essence(real), essence(none), "the answer")
    check(real.status in (200, 400, 404), f"{real.status} {real.body!r}")
    if real.status == 200:
        check(all(v == [] for v in real.json.values()), f"it shows something: {real.body!r}")
    if method != "GET":
        equal(real.status, 404, "the status")


def test_no_certificate(world):
    """Without a certificate everything is 401, whether it exists or not"""
    nobody = Client(world, "nobody")
    for method, template in world.contract.operations():
        with world.store.unchanged():
            error = nobody.refused(
                401,
                method,
                world.things.of(template),
                {} if method in ("POST", "PATCH") else None,
                code="unauthenticated",
            )
        check("certificate" in error["message"], error)
        nobody.close()
    nobody.refused(401, "GET", "/v1/nothing", code="unauthenticated")


def not_let_in(world, certificate):
    """The handshake fails: with TLS 1.3 the client sees that with its first read."""
    stranger = Client(world, "stranger", certificate)
    try:
        answer = stranger.raw("GET", "/v1/whoami")
    except (ssl.SSLError, http.client.RemoteDisconnected, ConnectionError):
        return
    finally:
        stranger.close()
    raise AssertionError(f"{certificate.name} was answered {answer.status}: {answer.body!r}")


def test_other_ca(world):
    """A certificate of another CA does not get through the handshake, even with an operator's subject"""
    not_let_in(
        world, world.certificates.sign("foreign", ca=world.certificates.other_ca, subject=world.subject("operator"))
    )


def test_expired(world):
    """An expired certificate does not get through the handshake"""
    not_let_in(world, world.certificates.expired("late"))


def test_server_certificate(world):
    """A server's certificate is no user's: it is a client's for delegates alone"""
    no_user(world, "server", world.home / "server")


def test_delegate_certificate(world):
    """A delegate's certificate is no user's, whatever its subject"""
    no_user(world, "delegate", world.certificates.sign("delegate", "delegate", subject=world.subject("operator")))


def no_user(world, kind, certificate):
    stranger = Client(world, kind, certificate)
    with world.store.unchanged():
        stranger.refused(401, "GET", "/v1/whoami", code="unauthenticated", words=[kind, "user"])
        stranger.refused(401, "POST", "/v1/reconcile", {}, code="unauthenticated")
    stranger.close()


def test_same_subject_of_no_ca(world):
    """Users are told apart by their subjects exactly: case and order count"""
    other = Client(world, "ALICE", world.certificates.sign("upper", subject="CN=Alice,O=VBS"))
    other.refused(404, "GET", "/v1/volumes/" + world.things.volume, code="not_found")
    turned = Client(world, "turned", world.certificates.sign("turned", subject="O=VBS,CN=operator"))
    turned.refused(403, "GET", "/v1/users", code="forbidden")
    other.close()
    turned.close()


def test_lists(world):
    """Another user's objects are in no list, whatever the filter, and every project is the operator's"""
    t = world.things
    own = {i for i in (t.volume, t.snapshot, t.operation, t.attached) if i}
    for path in (
        "/v1/volumes",
        "/v1/volumes?name=target",
        "/v1/volumes?host=node1" if t.attached else "/v1/volumes",
        "/v1/snapshots",
        "/v1/attachments",
        "/v1/attachments?vm=vbs-off1",
        "/v1/operations?limit=1000",
    ):
        body = world.bob.get(path)
        check(not any(i in str(body) for i in own), f"{path} shows bob what is alice's")
    refused = Refused(world)
    for path in ("/v1/volumes", "/v1/snapshots", "/v1/attachments", "/v1/operations"):
        refused.now(403, "GET", path + "?all_projects=true", by="bob", field="all_projects", words=("operator",))
