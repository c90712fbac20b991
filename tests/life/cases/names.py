"""A VM is its UUID: names are given again. VMs that are undefined, or were transient and ended, free their volumes."""
import re

from life import FIRST, eventually
from suite import check, equal, tests_of

REUSED, SHORT = "vbs-reused", "vbs-short"


def tests(world):
    yield from tests_of(globals(), world)


def test_old_name(world):
    """A new VM under an old name is another one: detaches from the old one leave its disks alone"""
    guests, alice = world.guests, world.alice
    first = guests.define(REUSED)
    world.own(REUSED)
    old, copied = alice.volume(2), alice.volume(2)
    alice.attach(old, REUSED)
    alice.attach(copied, REUSED, "ro")
    text = guests.tell("dumpxml", REUSED, "--inactive")
    guests.tell("undefine", REUSED)

    # As somebody does who copies the old VM's definition: the new one has the old one's disk `copied` from the start.
    second = guests.define(REUSED)
    check(first != second, "the UUID is the same")
    world.own(REUSED)
    disk = re.search(r"<disk(?:(?!</disk>).)*" + copied + r".*?</disk>", text, re.S).group(0)
    (guests.directory / "disk.xml").write_text(disk)
    guests.tell("attach-device", REUSED, str(guests.directory / "disk.xml"), "--config")
    new = alice.volume(2)
    alice.attach(new, REUSED)
    alice.attach(copied, REUSED, "ro")  # of the new VM: it has the disk, and from now on VBS says so
    have = {new: "rw", copied: "ro"}
    equal(guests.disks(REUSED), have, "disks of the new VM")

    rows = world.attachments(copied)
    equal(sorted(a["vm_uuid"] for a in rows), sorted((first, second)), "VMs that have the volume")
    both = {"host": "node1", "vm": REUSED}
    alice.refused(409, "POST", f"/v1/volumes/{copied}/detach", both, words=("2 attachments",))
    alice.detach(copied, host="node1", vm=first)
    alice.detach(old, host="node1", vm=REUSED)
    equal(guests.disks(REUSED), have, "disks of the new VM after the detaches from the old one")
    equal(world.attachments(copied)[0]["vm_uuid"], second, "who has the volume that both had")
    world.attached(new, REUSED)
    world.clean()
    alice.detach(new)
    alice.detach(copied)
    equal(guests.disks(REUSED), {}, "disks at the end")
    guests.tell("undefine", REUSED)
    for volume in (old, copied, new):
        world.delete_after(volume)


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
