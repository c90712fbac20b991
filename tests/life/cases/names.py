"""A VM is its UUID: names are given again. VMs that are undefined, or were transient and ended, free their volumes."""
from life import FIRST, eventually
from suite import check, equal, tests_of

REUSED, NEXT, SHORT = "vbs-reused", "vbs-next", "vbs-short"


def tests(world):
    yield from tests_of(globals(), world)


def test_old_name(world):
    """A new VM under an old name is another one: detaches from the old one leave its disks alone"""
    guests, alice = world.guests, world.alice
    first, second = guests.define(REUSED), guests.define(NEXT)
    for vm in (REUSED, NEXT):
        world.own(vm)
    old, both, new = (alice.volume(2) for _ in range(3))
    alice.attach(old, REUSED)
    for vm in (REUSED, NEXT):
        alice.attach(both, vm, "ro")
    alice.attach(new, NEXT)
    have = {new: "rw", both: "ro"}
    equal(guests.disks(second), have, "disks of the new VM")
    guests.tell("undefine", first)
    guests.tell("domrename", NEXT, REUSED)

    for volume in (old, both):
        leave(world, volume, REUSED)
    equal(guests.disks(REUSED), have, "disks of the VM that has the name now")
    equal([a["vm_uuid"] for a in world.attachments(both)], [second], "who has the volume that both had")
    world.clean()
    alice.detach(new, host="node1", vm=second)
    alice.detach(both)
    equal(guests.disks(REUSED), {}, "disks at the end")
    guests.tell("undefine", REUSED)
    for volume in (old, both, new):
        world.delete_after(volume)


def leave(world, volume, vm):
    """A detach by the name under which the VM was attached; on a slow machine the service was there before."""
    answer = world.alice.ask("POST", f"/v1/volumes/{volume}/detach", {"host": "node1", "vm": vm}, {"Prefer": "wait=60"})
    left = [a for a in world.attachments(volume) if a["vm"] == vm]
    check(answer.status in (202, 409) and not left, f"detach from {vm}: {answer.status} {answer.body}, left: {left}")


def test_gone(world):
    """VMs that are undefined or destroyed for good free their volumes; one that is undefined but runs keeps them"""
    guests, alice = world.guests, world.alice
    guests.define(REUSED)
    guests.define(SHORT, "create")
    runs = guests.define("vbs-runs")
    guests.tell("start", "vbs-runs")
    off, destroyed, running, kept = (alice.volume(2) for _ in range(4))
    for vm, volume in ((REUSED, off), (SHORT, destroyed), ("vbs-runs", running)):
        world.own(vm)
        alice.attach(volume, vm)
    alice.attach(kept, FIRST, "ro")
    guests.tell("undefine", REUSED)
    guests.tell("destroy", SHORT)
    guests.tell("undefine", "vbs-runs")
    gone = lambda: not world.attachments(off) + world.attachments(destroyed)
    eventually("volumes of VMs that are gone are free", gone, 75)
    world.attached(running, "vbs-runs")
    world.attached(kept, FIRST)
    equal(guests.disks(runs), {running: "rw"}, "disks of the VM that runs without a definition")
    world.clean()
    # The name of an ended VM is free, and what it had can be had.
    guests.define(SHORT)
    world.own(SHORT)
    alice.attach(destroyed, SHORT)
    alice.detach(destroyed)
    guests.tell("undefine", SHORT)

    guests.tell("destroy", runs)
    report = world.operator.expect(200, "POST", "/v1/reconcile", {"repair": True})
    equal([(f["what"], f["repaired"]) for f in report["findings"]], [("vm-gone", True)], "what reconcile mends at once")
    eventually("it is free", lambda: not world.attachments(running))
    alice.detach(kept)
    world.clean()
    for volume in (off, destroyed, running, kept):
        world.delete_after(volume)
