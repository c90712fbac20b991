"""An operator migrates VMs live between two hosts; their volumes go with them."""
import os
import shutil
import tempfile

from life import FIRST, QEMU_USER, eventually
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def test_move(world):
    """A VM that is migrated live takes its volumes along, and goes on writing to them"""
    guests, alice, there = world.guests, world.alice, world.guests.on_second()
    mine, other = alice.volume(2), alice.volume(2)
    alice.attach(mine, FIRST)
    alice.attach(other, FIRST, "ro")
    guests.write(FIRST, mine, "before")
    moves = [world.move(v, "node1", "node2") for v in (mine, other)]
    for move in moves:
        said = eventually("it waits for the migration", lambda m=move: world.operation(m).get("waits_for"))
        check("migrate it now" in said and FIRST in said, said)
    equal(len(exports(world, mine)), 2, "exports while the VM may go")
    alice.refused(409, "POST", f"/v1/volumes/{mine}/detach", {}, words=("just moving",))
    migrate(guests, there)
    for move in moves:
        world.hurry(move)
        equal(world.end(move)["state"], "done", "the move")
    for volume, mode in ((mine, "rw"), (other, "ro")):
        row = world.attachments(volume)[0]
        equal((row["host"], row["state"], row["mode"]), ("node2", "attached", mode), "the attachment")
        equal(len(exports(world, volume)), 1, "exports afterwards")
        there.has(FIRST, volume, mode)
    equal(there.read(FIRST, mine), "before", "what the migrated guest reads")
    there.write(FIRST, mine, "after")
    equal(world.owners_of(mine), {world.qemu_owner}, "owner after the migration")
    check(FIRST not in guests.tell("list", "--all", "--name").split(), "the first host still has the VM")
    world.clean()

    # Back, this time without a word to VBS before: nothing is taken from the running VM, and the move can follow.
    migrate(there, guests)
    report = world.operator.expect(200, "POST", "/v1/reconcile", {"repair": True})
    equal(sorted({f["what"] for f in report["findings"]}), ["vm-gone", "vm-migrated"], "findings")
    check(not any(f["repaired"] for f in report["findings"]), f"reconcile: {report}")
    for volume in (mine, other):
        equal(world.end(world.move(volume, "node2", "node1"))["state"], "done", "the move that follows")
    guests.has(FIRST, mine, "rw")
    equal(guests.read(FIRST, mine), "after", "what the guest reads at home")
    world.clean()
    for volume in (mine, other):
        alice.detach(volume)
        world.delete_after(volume)


def test_cancel(world):
    """A move that is cancelled before the VM has gone leaves the volume where it is"""
    alice = world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    move = world.move(volume, "node1", "node2")
    eventually("it waits for the migration", lambda: world.operation(move).get("waits_for"))
    world.operator.expect(202, "POST", f"/v1/operations/{move}/cancel")
    equal(world.end(move)["error"]["code"], "cancelled", "the move")
    world.attached(volume, FIRST)
    equal(len(exports(world, volume)), 1, "exports afterwards")
    world.guests.has(FIRST, volume, "rw")
    world.clean()
    alice.detach(volume)
    world.delete_after(volume)


def exports(world, volume):
    return world.store.query(f"SELECT id FROM exports WHERE volume_id = '{volume}'")


def migrate(source, target):
    """--unsafe: libvirt takes a local path for one that the other host cannot see; here both are one machine. The
    console gets a path of the target's own, for the source removes its own at the end."""
    text = source.tell("dumpxml", FIRST, "--migratable")
    text = text.replace(f"{source.directory}/guests/{FIRST}.sock", f"{target.directory}/guests/{FIRST}.sock")
    (target.directory / "guests").mkdir(exist_ok=True)
    file = target.directory / "guests" / f"{FIRST}-here.xml"
    file.write_text(text)
    with tempfile.TemporaryDirectory(dir=target.directory) as place:
        shutil.chown(place, QEMU_USER)
        os.chmod(place, 0o711)
        source.tell("migrate", "--live", "--persistent", "--undefinesource", "--unsafe", "--xml", str(file),
                    "--persistent-xml", str(file), FIRST, target.uri, "--migrateuri", f"unix://{place}/migrate")
