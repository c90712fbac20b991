"""QEMU runs as libvirt-qemu, and libvirtd may change the owners of files: it must not."""
import subprocess

from life import FIRST, QEMU_USER, SECOND, eventually
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def test_user(world):
    """A VM that runs as libvirt-qemu writes to a volume, and the file stays with the owner that the back-end gave it"""
    guests, alice = world.guests, world.alice
    for pid in guests.processes():
        who = subprocess.run(["ps", "-o", "user:32=", "-p", str(pid)], capture_output=True, text=True, check=True)
        equal(who.stdout.strip(), QEMU_USER, f"user of QEMU {pid}")
    volume = alice.volume(2)
    equal(world.owners_of(volume), {world.qemu_owner}, "owner of the new file")
    alice.attach(volume, FIRST)
    guests.write(FIRST, volume, "mine")
    equal(guests.read(FIRST, volume), "mine", "what the guest reads")
    alice.detach(volume)
    equal(world.owners_of(volume), {world.qemu_owner}, "owner after the detach")
    alice.attach(volume, SECOND)
    equal(guests.read(SECOND, volume), "mine", "what the other guest reads")
    alice.detach(volume)
    world.delete_after(volume)


def test_readers(world):
    """Of two VMs that read one volume one detaches: the other reads on, and the file's owner is unchanged"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.write(FIRST, volume, "shared")
    alice.detach(volume)
    before = world.owners_of(volume)
    for vm in (FIRST, SECOND):
        alice.attach(volume, vm, "ro")
    equal(world.owners_of(volume), before, "owner while both read")
    alice.detach(volume, host="node1", vm=FIRST)
    equal(world.owners_of(volume), before, "owner after one detach")
    equal(guests.read(SECOND, volume), "shared", "what the other one reads")
    world.attached(volume, SECOND)
    alice.detach(volume)
    equal(world.owners_of(volume), before, "owner after both")
    world.delete_after(volume)


def test_overlay(world):
    """A snapshot in use hands the guest a new file: neither it nor the frozen one changes its owner"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.write(FIRST, volume, "before")
    snapshot = alice.snapshot(volume)
    guests.write(FIRST, volume, "after")
    images = lambda: {p: (p.stat().st_uid, p.stat().st_gid) for p in world.images()}
    have = images()
    check(len(have) == 2 and set(have.values()) == {world.qemu_owner}, f"files of volume and snapshot: {have}")
    alice.detach(volume)
    equal(images(), have, "owners after the detach")
    alice.attach(volume, SECOND)
    equal(guests.read(SECOND, volume), "after", "what the other guest reads through the chain")
    alice.detach(volume)
    equal(images(), have, "owners after the second VM")
    alice.change("DELETE", "/v1/snapshots/" + snapshot)
    world.delete_after(volume)


def test_control(world):
    """This libvirtd does take a file away where a disk does not say that it must not"""
    file = world.home / "by-hand.raw"
    file.write_bytes(bytes(1 << 20))
    world.guests.tell("attach-disk", FIRST, str(file), "vdz", "--targetbus", "virtio", "--live")
    equal(file.stat().st_uid, world.qemu_owner[0], "owner while it is plugged in")
    world.guests.tell("detach-disk", FIRST, "vdz", "--live")
    eventually("the disk is gone", lambda: "vdz" not in world.guests.tell("domblklist", FIRST))
    check(file.stat().st_uid == 0, f"owner afterwards is {file.stat().st_uid}: this libvirtd changes no owners, and "
                                   "the tests above show nothing")
