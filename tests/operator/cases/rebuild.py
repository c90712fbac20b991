"""The store is lost: vbsd --rebuild makes a new one, which shows the same and can be worked with."""
import os
import subprocess

from guests import DEFINED, RUNNING
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def test_rebuild(world):
    """After a rebuild volumes, snapshots, layers, owners and attachments are as before, and can be used"""
    alice, bob = world.alice, world.bob
    base = alice.volume(name="base", size_mib=8, metadata={"tier": "gold", "ä": '"'})
    first = alice.snapshot(base, name="first", comment="of monday")
    clone = alice.change("POST", "/v1/volumes", {"snapshot_id": first, "name": "clone"})["volume"]["id"]
    second = alice.snapshot(base)
    alice.change("POST", f"/v1/volumes/{base}/extend", {"size_bytes": 16 << 20})
    orphan = alice.volume(name="source of a snapshot that stays")
    stays = alice.snapshot(orphan)
    alice.delete(orphan)
    others = bob.volume(name="bob's", backend="second")
    guests = not world.guests.absent
    if guests:
        alice.attach(clone, RUNNING, "rw")
        bob.attach(others, DEFINED[1], "ro")
    before = {who.name: shown(who) for who in (alice, bob)}
    layers = layers_of(world)

    lose_the_store(world)
    said = rebuilt(world)
    check("3 volumes, 3 snapshots" in said and f"{2 if guests else 0} attachments, 2 owners" in said, said)
    world.start_service()
    for who in (alice, bob):
        equal(shown(who), before[who.name], f"what {who.name} sees after the rebuild")
    equal(layers_of(world), layers, "layers")
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    check(not report["findings"] and not report["unreachable"], f"reconcile: {report}")

    if guests:
        alice.detach(clone)
        bob.detach(others)
        for vm, owner in ((RUNNING, "alice"), (DEFINED[0], "alice"), (DEFINED[1], "bob")):
            world.operator.expect(200, "POST", "/v1/hosts/node1/owners", {"vm": vm, "user": world.subject(owner)})
        alice.attach(base, RUNNING, "rw")
        alice.detach(base)
    third = alice.snapshot(base)
    for snapshot in (third, second, first, stays):
        alice.change("DELETE", "/v1/snapshots/" + snapshot)
    for volume in (base, clone):
        alice.delete(volume)
    bob.delete(others)
    for table in ("volumes", "snapshots", "layers", "attachments", "exports"):
        equal(world.store.query(f"SELECT * FROM {table}"), [], table)
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    check(not report["findings"], f"nothing is left on the back-ends: {report}")


def test_all_or_nothing(world):
    """A rebuild writes over no store, and makes none where a back-end does not answer"""
    volume = world.alice.volume()
    world.stop_service()
    said = rebuild(world)
    equal(said.returncode, 1, said.stdout)
    check("vbs.db is there" in said.stderr and "move it away" in said.stderr, said.stderr)
    lose_the_store(world)
    os.rename(world.home / "second", world.home / "away")
    try:
        said = rebuild(world)
        equal(said.returncode, 1, said.stdout)
        check("back-end second" in said.stderr and "not there" in said.stderr, said.stderr)
        check(not (world.data / "vbs.db").exists(), "a store was made all the same")
    finally:
        os.rename(world.home / "away", world.home / "second")
    rebuilt(world)
    equal(sorted(p.name for p in world.data.glob("*rebuild*")), [], "what is left of the rebuild")
    world.start_service()
    world.alice.delete(volume)


def test_running(world):
    """A rebuild beside a running vbsd is refused"""
    said = rebuild(world)
    equal(said.returncode, 1, said.stdout)
    check("another vbsd works on" in said.stderr, said.stderr)


def shown(who):
    """What one sees, without what a rebuild cannot know."""
    volumes = who.get("/v1/volumes")["volumes"]
    for v in volumes:
        v.pop("updated_at")
        for a in v["attachments"]:
            for field in ("id", "created_at", "updated_at"):
                a.pop(field, None)
    snapshots = who.get("/v1/snapshots")["snapshots"]
    for s in snapshots:
        s.pop("updated_at")
    return volumes, snapshots


def layers_of(world):
    return sorted(world.store.query("SELECT backend_id, name, parent, format, dropped_by FROM layers"))


def lose_the_store(world):
    world.stop_service()
    for name in ("vbs.db", "vbs.db-wal", "vbs.db-shm"):
        (world.data / name).unlink(missing_ok=True)


def rebuild(world):
    command = [world.build / "bin" / "vbsd", "--rebuild", "--config", world.home / "vbsd.yaml"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def rebuilt(world):
    said = rebuild(world)
    equal(said.returncode, 0, said.stderr[-3000:])
    return said.stdout
