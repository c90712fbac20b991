"""Bodies that are no request: not JSON, not an object, with fields that nobody knows, of another type, or too much."""
from things import Refused

SIZE = b'"size_bytes": 1048576'
BROKEN = {
    "an empty body": (b"", "empty"),
    "a blank body": (b" \n", "JSON"),
    "half an object": (b"{" + SIZE, "byte"),
    "two objects": (b"{%s} {}" % SIZE, "byte"),
    "a trailing comma": (b"{%s,}" % SIZE, "byte"),
    "single quotes": (b"{'size_bytes': 1}", "byte"),
    "a comment": (b"{%s} // x" % SIZE, "byte"),
    "NaN": (b'{"size_bytes": NaN}', "byte"),
    "Infinity": (b'{"size_bytes": Infinity}', "byte"),
    "a hexadecimal number": (b'{"size_bytes": 0x100000}', "byte"),
    "a leading zero": (b'{"size_bytes": 01048576}', "byte"),
    "a number beyond a double": (b'{"size_bytes": 1e999}', "byte"),
    "a NUL byte": (b"{%s}\0" % SIZE, "byte"),
    "a NUL in a text": (b'{"name": "a\0b", %s}' % SIZE, ""),
    "UTF-16": ("{}".encode("utf-16"), "byte"),
    "a byte order mark only": (b"\xef\xbb\xbf", ""),
    "an invalid UTF-8 name": (b'{"name": "a\xff", %s}' % SIZE, "byte"),
    "an overlong UTF-8 name": (b'{"name": "\xc0\xaf", %s}' % SIZE, "byte"),
    "a raw surrogate": (b'{"name": "\xed\xa0\x80", %s}' % SIZE, "byte"),
    "half a surrogate pair": (b'{"name": "\\ud800", %s}' % SIZE, "byte"),
    "a raw newline in a text": (b'{"name": "a\nb", %s}' % SIZE, ""),
    "a key twice": (b"{%s, %s}" % (SIZE, SIZE), "twice"),
    "an escaped key twice": (b'{%s, "size\\u005fbytes": 2097152}' % SIZE, "twice"),
    "a metadata key twice": (b'{%s, "metadata": {"a": "1", "a": "2"}}' % SIZE, "twice"),
    "33 levels": (b'{"metadata":' + b'{"a":' * 32 + b"1" + b"}" * 33, "32"),
    "100,000 levels": (b"[" * 100000, "32"),
}
NO_OBJECT = (b"[]", b'"x"', b"5", b"null", b"true", b"[{}]")


def tests(world):
    refused, t = Refused(world), world.things
    for what, (body, word) in BROKEN.items():
        yield refused(
            f"{what} is refused",
            400,
            "POST",
            "/v1/volumes",
            body,
            words=(word,),
            headers={"Content-Type": "application/json"},
        )
    for method, template in world.contract.operations():
        if "requestBody" not in world.contract.operation(method, template):
            continue
        target, by = t.of(template), "operator" if template.startswith(("/v1/reconcile", "/v1/hosts")) else "alice"
        said = f"{method} {template}"
        yield refused(f"{said} refuses a missing body", 400, method, target, by=by, words=("empty",))
        for body in NO_OBJECT:
            yield refused(f"{said} refuses {body.decode()}", 400, method, target, body, by=by, words=("object",))
        whole = {"volume_id": t.volume} if template == "/v1/snapshots" else {}
        whole.update(
            {
                "/v1/volumes": {"size_bytes": 1 << 20},
                "/v1/volumes/{id}/extend": {"size_bytes": 4 << 20},
                "/v1/enroll": {"token": "0" * 64, "request": "x"},
            }.get(template, {})
        )
        if template.endswith("revert"):
            whole["snapshot_id"] = t.snapshot
        if template.endswith(("grants", "ungrant")):
            whole["user"] = "CN=bob,O=VBS"
        if template.endswith("attach"):
            whole.update(host="bare", vm="x")
        if template.endswith("move"):
            whole.update({"from": "node1", "to": "far"})
        if template.endswith("owners"):
            whole["vm"] = "x"
        for field in ("Name", "volume_type", "os-force", "user_id", "__proto__", "a\nb"):
            yield refused(
                f"{said} refuses the field {field!r}",
                400,
                method,
                target,
                {**whole, field: "x"},
                by=by,
                words=("not a field",),
            )
        for kind in (
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "multipart/form-data",
            "",
        ):
            yield refused(
                f"{said} refuses Content-Type {kind!r}",
                415,
                method,
                target,
                b"{}",
                {"Content-Type": kind},
                by=by,
                code="unsupported_media_type",
                words=("application/json",),
            )
    yield refused(
        "a body over 1 MiB is refused", 413, "POST", "/v1/volumes", {"name": "x" * (1 << 20)}, words=("1048576",)
    )
