"""Wrong values of fields: a table of field, value and the words by which the refusal helps."""
from things import Refused

MIB = 1 << 20
SMALLEST, LARGEST = MIB, 64 << 40
RANGE = ("size_bytes", SMALLEST, LARGEST)

SIZES = [
    (0, RANGE),
    (-1, RANGE),
    (1, RANGE),
    (MIB - 1, RANGE),
    (MIB + 1, RANGE),
    (LARGEST + MIB, RANGE),
    (2**63, RANGE),
    (2**63 - 1, RANGE),
    (2**64, RANGE),
    (2**64 + MIB, RANGE),
    (-(2**63), RANGE),
    (1.5, RANGE),
    (1048576.5, RANGE),
    (1e30, RANGE),
    ("10", RANGE),
    ("1048576", RANGE),
    ("", RANGE),
    (True, RANGE),
    ([], RANGE),
    ([MIB], RANGE),
    ({}, RANGE),
    (None, ("size_bytes", "missing")),
]

LONG = "x" * 256
TEXTS = [
    (LONG, (256, 255)),
    ("ä" * 128, (256, 255)),
    ("a\nb", ("control",)),
    ("a\0b", ("control",)),
    ("\x7f", ("control",)),
    ("\x1b[2J", ("control",)),
    (5, ("string",)),
    (True, ("string",)),
    (["x"], ("string",)),
    ({"x": 1}, ("string",)),
]

METADATA = [
    ({str(i): "" for i in range(65)}, (65, 64)),
    ({"k": 5}, ("'k'", "string")),
    ({"k": None}, ("'k'", "string")),
    ({"k": {"deep": "er"}}, ("'k'", "string")),
    ({"k": ["x"]}, ("'k'", "string")),
    ({"k": LONG}, ("'k'", 255)),
    ({LONG: "v"}, (256, 255)),
    ({"": "v"}, ("0 bytes", 255)),
    ({"k": "a\tb"}, ("control",)),
    ({"a\0": "v"}, ("control",)),
    ([], ("object",)),
    ("x", ("object",)),
    (5, ("object",)),
]

DEVICES = [(d, ("device", "vdb")) for d in ("vd", "VDB", "vdb1", "../vdb", "vdb ", "vdbvdbv", "/dev/vdb", "v-b", "ädb")]
DEVICES += [("x" * 33, (33, 32)), (5, ("string",)), ("vd\0b", ("control",))]
MODES = [(m, ("'mode'", "ro", "rw")) for m in ("RW", "", "read-only", "r", "ro ")] + [
    (1, ("string",)),
    (True, ("string",)),
]
PLACES = [(LONG, (256, 255)), ("", ("at least 1",)), (None, ("missing",)), (5, ("string",)), ("a\0b", ("control",))]
FLAGS = [("true", ("true or false",)), (1, ("true or false",)), ({}, ("true or false",))]
USERS = [
    ("", ("at least 1",)),
    (None, ("missing",)),
    (5, ("string",)),
    ("x" * 513, (513, 512)),
    ("bob", ("CN=bob,O=VBS",)),
    ("CN=", ("CN=bob,O=VBS", "empty")),
    ("CN=a\nb", ("control",)),
    ("=x", ("CN=bob,O=VBS",)),
    ("/CN=bob", ("slash",)),
    ("XX=bob", ("unknown attribute",)),
    ("CN=bob,", ("CN=bob,O=VBS",)),
    ("CN=" + LONG, (256, 255)),
]


def show(value):
    text = repr(value)
    return text if len(text) < 40 else f"{text[:24]}... ({len(text)})"


def tests(world):
    refused, t = Refused(world), world.things
    volume, snapshot = f"/v1/volumes/{t.volume}", f"/v1/snapshots/{t.snapshot}"

    def table(method, target, field, rows, rest=None, by="alice"):
        for value, words in rows:
            yield refused(
                f"{method} {target.replace(t.volume, 'ID').replace(t.snapshot, 'ID')} refuses {field} {show(value)}",
                400,
                method,
                target,
                {**(rest or {}), field: value},
                field=field,
                words=words,
                by=by,
            )

    yield from table("POST", "/v1/volumes", "size_bytes", SIZES)
    yield from table("POST", volume + "/extend", "size_bytes", SIZES)
    described = (
        ("POST", "/v1/volumes", {"size_bytes": MIB}),
        ("POST", "/v1/snapshots", {"volume_id": t.volume}),
        ("PATCH", volume, {}),
        ("PATCH", snapshot, {}),
    )
    for method, target, rest in described:
        yield from table(method, target, "name", TEXTS, rest)
        yield from table(method, target, "comment", TEXTS[:4], rest)
        yield from table(method, target, "metadata", METADATA, rest)
    sized = {"size_bytes": MIB}
    yield from table(
        "POST", "/v1/volumes", "backend", [("nowhere", ("nowhere",)), ("../../etc", ("../../etc",)), TEXTS[0]], sized
    )
    yield from table("POST", "/v1/volumes", "snapshot_id", [("x" * 37, (37, 36)), (5, ("string",))], sized)
    yield from table("POST", "/v1/volumes", "volume_id", [("x" * 37, (37, 36)), (5, ("string",))], sized)
    yield from table(
        "POST", "/v1/snapshots", "volume_id", [("x" * 37, (37, 36)), ("", ("at least 1",)), (None, ("missing",))]
    )

    place = {"host": "node1", "vm": "vbs-vm1"}
    yield from table("POST", volume + "/attach", "device", DEVICES, place)
    yield from table("POST", volume + "/attach", "mode", MODES, place)
    yield from table("POST", volume + "/attach", "host", PLACES, place)
    yield from table("POST", volume + "/attach", "vm", PLACES, place)
    yield from table("POST", volume + "/detach", "all", FLAGS)
    yield from table("POST", volume + "/detach", "force", FLAGS)
    yield from table("POST", volume + "/detach", "host", [PLACES[0], PLACES[3]])
    yield from table("POST", volume + "/grants", "user", USERS + [(t.unknown, (t.unknown,))])
    yield from table("POST", volume + "/ungrant", "user", USERS + [(t.unknown, (t.unknown,))])
    yield from table("POST", "/v1/reconcile", "repair", FLAGS, by="operator")
    yield from table("POST", "/v1/hosts/bare/owners", "vm", PLACES, by="operator")

    yield refused(
        "a source of both kinds is refused",
        400,
        "POST",
        "/v1/volumes",
        {"snapshot_id": t.snapshot, "volume_id": t.volume},
        field="volume_id",
        words=("snapshot_id", "exclude"),
    )
    yield refused(
        "a volume smaller than its snapshot is refused",
        400,
        "POST",
        "/v1/volumes",
        {"snapshot_id": t.snapshot, "size_bytes": MIB},
        field="size_bytes",
        words=(MIB, 2 * MIB),
    )
    yield refused(
        "a copy smaller than its volume is refused",
        400,
        "POST",
        "/v1/volumes",
        {"volume_id": t.volume, "size_bytes": MIB},
        field="size_bytes",
        words=(MIB, 2 * MIB),
    )
    yield refused(
        "a copy on another back-end is refused",
        400,
        "POST",
        "/v1/volumes",
        {"volume_id": t.volume, "backend": "second"},
        field="backend",
        words=("local",),
    )
    yield refused(
        "a volume does not shrink",
        400,
        "POST",
        volume + "/extend",
        {"size_bytes": MIB},
        field="size_bytes",
        words=(MIB, 2 * MIB, "grow"),
    )
    yield refused(
        "detach from all and from one is refused",
        400,
        "POST",
        volume + "/detach",
        {"all": True, "host": "bare"},
        field="all",
        words=("exclude",),
    )
    yield "a name that looks like a path is only a name", lambda: path_as_name(world)


def path_as_name(world):
    before = {name for name, _ in world.store.files()}
    name = "../../../../tmp/vbs-api-escape"
    volume = world.alice.volume(name=name, comment=name, metadata={name: name})
    new = {n for n, _ in world.store.files()} - before
    assert world.alice.get("/v1/volumes/" + volume)["volume"]["name"] == name
    assert new and not any("escape" in n for n in new), new
    world.alice.delete(volume)
    assert {n for n, _ in world.store.files()} == before
