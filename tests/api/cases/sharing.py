"""A volume that alice shares with bob, read-only: what he may, what he may not, and what he does not get to see."""
from guests import DEFINED, RUNNING
from suite import check, equal, tests_of
from things import Refused

MIB = 1 << 20
BOBS = DEFINED[1]


def tests(world):
    volume = world.alice.volume(2, name="shared")
    world.alice.expect(200, "POST", f"/v1/volumes/{volume}/grants", {"user": "CN=bob,O=VBS"})
    target, refused = "/v1/volumes/" + volume, Refused(world)
    for what, method, path, body in (
        ("an rw attach", "POST", target + "/attach", {"host": "node1", "vm": BOBS}),
        ("extend", "POST", target + "/extend", {"size_bytes": 4 * MIB}),
        ("delete", "DELETE", target, None),
        ("a change", "PATCH", target, {"name": "mine"}),
        ("a snapshot", "POST", "/v1/snapshots", {"volume_id": volume}),
        ("a copy", "POST", "/v1/volumes", {"volume_id": volume}),
        ("a grant", "POST", target + "/grants", {"user": "CN=carol,O=VBS"}),
        ("an ungrant", "POST", target + "/ungrant", {"user": "CN=bob,O=VBS"}),
        ("a look at the grants", "GET", target + "/grants", None),
    ):
        yield refused(
            f"who has a grant is refused {what}", 403, method, path, body, by="bob", words=(volume, "read-only")
        )
    yield from (
        (sentence, lambda f=f: f(world, volume))
        for sentence, f in (
            ("who has a grant sees the volume, and in no list of his project's things", seen),
            ("who has a grant attaches it ro, and only that attachment is his to see and to end", attached),
            ("a VM that is not mapped to the user is 403, and so is one that does not exist", unmapped),
            ("after ungrant the volume is gone for him, and what he had attached he can still end", taken_back),
        )
    )
    yield "the shared volume is deleted", lambda: world.alice.delete(volume)
    yield from tests_of(globals(), world)


def seen(world, volume):
    shown = world.bob.get("/v1/volumes/" + volume)["volume"]
    equal((shown["access"], shown["owner"]), ("read-only", "CN=alice,O=VBS"), "the volume")
    check(volume in [v["id"] for v in world.bob.get("/v1/volumes")["volumes"]], "it is not in bob's list")
    check(
        volume in [v["id"] for v in world.bob.get(f"/v1/volumes?id={volume}&name=shared")["volumes"]],
        "nor found by id and name",
    )
    check(any("available" in x for x in world.bob.get(f"/v1/volumes/{volume}/explain")["explanation"]), "explain")
    equal(world.bob.get("/v1/operations?object_id=" + volume)["operations"], [], "alice's operations")
    world.carol.refused(404, "GET", "/v1/volumes/" + volume)


def attached(world, volume):
    world.guests.need()
    target = "/v1/volumes/" + volume
    world.alice.attach(volume, RUNNING, "ro")
    uuid = world.alice.get(target)["volume"]["attachments"][0]["vm_uuid"]
    for query in (f"vm={RUNNING}", f"vm={uuid}", "host=node1"):
        check(volume not in str(world.bob.get("/v1/volumes?" + query)), f"{query} tells bob where alice attaches it")
    his = world.bob.attach(volume, BOBS, "ro")["attachment"]
    for path in (
        target,
        "/v1/attachments?volume_id=" + volume,
        "/v1/attachments",
        target + "/explain",
        "/v1/volumes",
        "/v1/volumes?vm=" + BOBS,
    ):
        text = str(world.bob.get(path))
        check(BOBS in text and RUNNING not in text, f"{path} shows bob: {text}")
    equal(world.bob.get("/v1/attachments?volume_id=" + volume)["attachments"][0]["id"], his["id"], "his attachment")
    equal(world.bob.get("/v1/attachments?vm=" + RUNNING)["attachments"], [], "attachments of alice's VM")
    equal(len(world.alice.get(target)["volume"]["attachments"]), 2, "the owner sees all")
    refused = Refused(world)
    refused.now(409, "POST", target + "/detach", {"vm": RUNNING}, by="bob", words=("not attached",))
    error = world.alice.refused(409, "DELETE", target, code="conflict")
    check(BOBS not in error["message"], f"alice is told of bob's VM by name: {error}")
    world.bob.detach(volume, all=True)
    equal([a["vm"] for a in world.alice.get(target)["volume"]["attachments"]], [RUNNING], "detach from all, by bob")
    world.alice.detach(volume)
    writer = world.alice.attach(volume, RUNNING)["attachment"]
    error = world.bob.refused(
        409, "POST", target + "/attach", {"host": "node1", "vm": BOBS, "mode": "ro"}, code="conflict", words=["rw"]
    )
    check(
        RUNNING not in error["message"] and writer["id"] not in error["message"], f"bob is told of alice's VM: {error}"
    )
    world.alice.detach(volume)


def unmapped(world, volume):
    world.guests.need()
    refused = Refused(world)
    for vm in (RUNNING, DEFINED[0], DEFINED[2]):
        refused.now(
            403,
            "POST",
            f"/v1/volumes/{volume}/attach",
            {"host": "node1", "vm": vm, "mode": "ro"},
            by="bob",
            field="vm",
            words=(vm, "operator"),
        )
    refused.now(
        403,
        "POST",
        f"/v1/volumes/{volume}/attach",
        {"host": "node1", "vm": DEFINED[2]},
        field="vm",
        words=(DEFINED[2],),
    )
    # One that is not there is refused in the same words.
    refused.now(
        403,
        "POST",
        f"/v1/volumes/{volume}/attach",
        {"host": "node1", "vm": "none", "mode": "ro"},
        by="bob",
        field="vm",
        words=("'none' on host 'node1' is not mapped to you",),
    )
    equal([v["name"] for v in world.bob.get("/v1/hosts/node1/vms")["vms"]], [BOBS], "bob's VMs")
    equal(world.carol.get("/v1/hosts/node1/vms")["vms"], [], "carol's VMs")


def taken_back(world, volume):
    target = "/v1/volumes/" + volume
    if not world.guests.absent:
        world.bob.attach(volume, BOBS, "ro")
    equal(world.alice.expect(200, "POST", target + "/ungrant", {"user": "CN=bob,O=VBS"})["grants"], [], "grants")
    if not world.guests.absent:
        equal(len(world.alice.get(target)["volume"]["attachments"]), 1, "attachments that stay")
        # docs/identity.md: one ends one's own attachment; the grant is not needed for that.
        world.bob.detach(volume, vm=BOBS)
    refused = Refused(world)
    refused.now(404, "GET", target, by="bob")
    refused.now(404, "POST", target + "/attach", {"host": "node1", "vm": BOBS, "mode": "ro"}, by="bob")
    check(volume not in str(world.bob.get("/v1/volumes")), "it is in bob's list")


def test_grant_before_first_sight(world):
    """A grant to somebody who never came holds when that user comes; ungranting a stranger changes nothing"""
    from client import Client

    volume = world.alice.volume()
    grants = world.alice.expect(200, "POST", f"/v1/volumes/{volume}/grants", {"user": "o=VBS"})["grants"]
    equal([g["user"] for g in grants], ["O=VBS"], "the canonical subject")
    with world.store.unchanged():
        world.alice.refused(400, "POST", f"/v1/volumes/{volume}/grants", {"user": "CN=x" * 200})
    world.alice.expect(200, "POST", f"/v1/volumes/{volume}/grants", {"user": "cn = dave , o=VBS"})
    dave = Client(world, "dave", world.certificates.sign("dave"))
    equal(dave.get("/v1/volumes/" + volume)["volume"]["access"], "read-only", "dave's access")
    users = len(world.store.query("SELECT 1 FROM users"))
    world.alice.expect(200, "POST", f"/v1/volumes/{volume}/ungrant", {"user": "CN=never,O=seen"})
    equal(len(world.store.query("SELECT 1 FROM users")), users, "users after the ungrant of somebody unknown")
    dave.close()
    world.alice.delete(volume)
