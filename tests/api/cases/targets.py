"""Wrong ids, paths, query parameters and header fields."""
import urllib.parse

from client import quoted
from things import Refused

# As it stands in the URL -> status, code.
IDS = {
    "%2e%2e": 400,
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd": 404,
    "..%2f..%2fetc": 404,
    "%00": 400,
    "x%00y": 400,
    "%0d%0aX-Evil:1": 400,
    "%ff": 400,
    "%c0%ae": 400,
    "%": 400,
    "%zz": 400,
    "x" * 10240: 404,
    "null": 404,
    "0": 404,
    "-1": 404,
    "*": 404,
    "%25": 404,
    quoted("' OR '1'='1"): 404,
    quoted("'; DROP TABLE volumes; --"): 404,
    quoted("{id}"): 404,
    quoted("<script>"): 404,
    quoted("ä"): 404,
}
NUMBERS = ("0", "-1", "1001", "abc", "1.5", "", "1e1", "%2B5", "%205", "0x10", "99999999999999999999")
LISTS = ("/v1/volumes", "/v1/snapshots")


def tests(world):
    refused, t = Refused(world), world.things
    by_id = [(m, p) for m, p in world.contract.operations() if "{id}" in p]

    def body_of(method, template):
        if "requestBody" not in world.contract.operation(method, template):
            return None
        return {
            "extend": {"size_bytes": 4 << 20},
            "revert": {"snapshot_id": t.snapshot},
            "attach": {"host": "node1", "vm": "vbs-vm1"},
            "move": {"from": "node1", "to": "far"},
            "grants": {"user": "CN=bob,O=VBS"},
            "ungrant": {"user": "CN=bob,O=VBS"},
        }.get(template.split("/")[-1], {})

    for method, template in by_id:
        body = body_of(method, template)
        yield refused(
            f"{method} {template} of an unknown id is 404",
            404,
            method,
            template.replace("{id}", t.unknown),
            body,
            words=(t.unknown,),
        )
        for text in ("not-an-id", t.volume.upper(), t.volume + "%20", t.volume[:-1], t.unknown.replace("-", "")):
            yield refused(f"{method} {template} of {text} is 404", 404, method, template.replace("{id}", text), body)
    for text, status in IDS.items():
        yield refused(f"the id {text[:40]} is {status}", status, "GET", "/v1/volumes/" + text)
        yield refused(f"the id {text[:40]} is {status} for a delete", status, "DELETE", "/v1/volumes/" + text)
    for text in ("//v1/volumes", "/v1//volumes", "/v1/./volumes", "/v1/volumes/../volumes", "/v1/%2e/volumes"):
        status = 404 if text == "/v1//volumes" else 400
        yield refused(f"the path {text} is {status}", status, "GET", text)
    yield refused("a header field of 20 KB is refused", 431, "GET", "/v1/volumes", headers={"X-Long": "x" * 20000})
    yield refused("a URL of 20 KB is refused", 431, "GET", "/v1/volumes?name=" + "x" * 20000)

    for method, template in world.contract.operations():
        target = t.of(template)
        yield refused(
            f"{method} {template} refuses an unknown query parameter",
            400,
            method,
            target + "?colour=red",
            body_of(method, template),
            field="colour",
            words=("colour",),
            by="operator",
        )
    for path in LISTS + ("/v1/operations",):
        for number in NUMBERS:
            yield refused(
                f"{path} refuses limit={number}", 400, "GET", f"{path}?limit={number}", field="limit", words=(1, 1000)
            )
        yield refused(
            f"{path} refuses a limit twice", 400, "GET", f"{path}?limit=5&limit=6", field="limit", words=("twice",)
        )
        for state in ("Available", "available,failed", "%27"):
            yield refused(f"{path} refuses state={state}", 400, "GET", f"{path}?state={state}", field="state")
    for path in LISTS:
        for marker in (t.unknown, "x", "%27--", t.operation):
            yield refused(f"{path} refuses marker={marker}", 400, "GET", f"{path}?marker={marker}", field="marker")
        yield refused(
            f"{path} refuses 501 ids", 400, "GET", f"{path}?" + "&".join(["id=x"] * 501), field="id", words=(500,)
        )
        yield refused(
            f"{path} refuses an id of 37 bytes", 400, "GET", f"{path}?id=" + "x" * 37, field="id", words=(36,)
        )
        yield refused(
            f"{path} refuses a name of 256 bytes", 400, "GET", f"{path}?name=" + "x" * 256, field="name", words=(255,)
        )
    yield refused(
        "a marker of the other kind is refused", 400, "GET", "/v1/snapshots?marker=" + t.volume, field="marker"
    )
    for path in LISTS + ("/v1/operations", "/v1/attachments"):
        for flag in ("yes", "1", "True", ""):
            yield refused(
                f"{path} refuses all_projects={flag}",
                400,
                "GET",
                f"{path}?all_projects={flag}",
                field="all_projects",
                words=("true or false",),
            )
    for path in ("/v1/volumes", "/v1/attachments"):
        yield refused(
            f"{path} knows no host of that name", 404, "GET", path + "?host=nowhere", field="host", words=("nowhere",)
        )
    yield refused("attachments of an unknown volume are 404", 404, "GET", "/v1/attachments?volume_id=" + t.unknown)
    for seconds in ("-1", "61", "x", "", "1.5"):
        yield refused(
            f"an operation is not waited for {seconds!r} seconds",
            400,
            "GET",
            f"/v1/operations/{t.operation}?wait={seconds}",
            field="wait",
            words=(0, 60),
        )

    for host in ("nowhere", quoted("../../etc"), "x" * 300):
        yield refused(f"the VMs of host {host[:20]} are 404", 404, "GET", f"/v1/hosts/{host}/vms", field="host")
        yield refused(
            f"the owners of host {host[:20]} are 404",
            404,
            "POST",
            f"/v1/hosts/{host}/owners",
            {"vm": "x"},
            by="operator",
            field="host",
        )
        yield refused(
            f"attaching on host {host[:20]} is refused",
            404 if len(host) < 256 else 400,
            "POST",
            f"/v1/volumes/{t.volume}/attach",
            {"host": urllib.parse.unquote(host), "vm": "x"},
            field="host",
        )
        yield refused(
            f"detaching on host {host[:20]} is refused",
            404 if len(host) < 256 else 400,
            "POST",
            f"/v1/volumes/{t.volume}/detach",
            {"host": urllib.parse.unquote(host)},
            field="host",
        )

    for text in ("", "x" * 256):
        for target, body in (
            ("/v1/volumes", {"size_bytes": 1 << 20}),
            ("/v1/snapshots", {"volume_id": t.volume}),
            (f"/v1/volumes/{t.volume}/extend", {"size_bytes": 4 << 20}),
        ):
            yield refused(
                f"{target.replace(t.volume, 'ID')} refuses an Idempotency-Key of {len(text)} bytes",
                400,
                "POST",
                target,
                body,
                {"Idempotency-Key": text},
                field="Idempotency-Key",
                words=(1, 255),
            )
    changes = (
        ("POST", "/v1/volumes", {"size_bytes": 1 << 20}),
        ("POST", "/v1/snapshots", {"volume_id": t.volume}),
        ("POST", f"/v1/volumes/{t.volume}/extend", {"size_bytes": 4 << 20}),
        ("DELETE", f"/v1/volumes/{t.volume}", None),
        ("DELETE", f"/v1/snapshots/{t.snapshot}", None),
    )
    for wait in ("x", "-1", "61", "", "1.5", "99999999999999999999"):
        for method, target, body in changes:
            yield refused(
                f"{method} {target.replace(t.volume, 'ID').replace(t.snapshot, 'ID')} refuses Prefer: wait={wait}",
                400,
                method,
                target,
                body,
                {"Prefer": "wait=" + wait},
                field="Prefer",
                words=("wait", 0, 60),
            )
