"""Stop, start, reboot, and the same of the whole host."""
import os
import signal

from life import FIRST, SECOND, eventually
from suite import check, equal, tests_of

TRANSIENT = "vbs-transient"


def tests(world):
    yield from tests_of(globals(), world)


def test_stop_and_start(world):
    """A persistent VM keeps its volumes over stop and start, in its live and its persistent definition"""
    guests, alice = world.guests, world.alice
    writable, shared = alice.volume(2), alice.volume(2)
    alice.attach(writable, FIRST)
    alice.attach(shared, FIRST, "ro")
    guests.write(FIRST, writable, "kept")
    guests.tell("destroy", FIRST)
    guests.has(FIRST, writable, "rw")  # of a VM that is off each is its definition
    guests.has(FIRST, shared, "ro")
    world.attached(writable, FIRST)
    world.clean()
    alice.refused(409, "POST", f"/v1/volumes/{writable}/attach", {"host": "node1", "vm": SECOND}, words=(FIRST,))
    guests.tell("start", FIRST)
    guests.has(FIRST, writable, "rw")
    guests.has(FIRST, shared, "ro")
    guests.awake(FIRST)
    equal(guests.read(FIRST, writable), "kept", "what the started guest reads")
    world.clean()

    # What it is detached from while it is off it does not come back with.
    guests.tell("destroy", FIRST)
    alice.detach(shared)
    guests.has(FIRST, writable, "rw")
    guests.has(FIRST, shared, None)
    guests.tell("start", FIRST)
    guests.has(FIRST, writable, "rw")
    guests.has(FIRST, shared, None)
    guests.awake(FIRST)
    alice.detach(writable)
    for volume in (writable, shared):
        world.delete_after(volume)


def test_reboot(world):
    """A guest that reboots has the same volume, and gives it back afterwards"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.write(FIRST, volume, "before the reboot")
    guests.run(FIRST, "touch /tmp/before")
    guests.tell("reset", FIRST)
    guests.awake(FIRST)
    eventually("the guest is a new one", lambda: guests.run(FIRST, "ls /tmp") == "")
    equal(guests.read(FIRST, volume), "before the reboot", "what the rebooted guest reads")
    guests.has(FIRST, volume, "rw")
    world.clean()
    alice.detach(volume)
    guests.has(FIRST, volume, None)
    world.delete_after(volume)


def test_host_reboot(world):
    """After a reboot of the host its persistent VMs have their volumes, and those of transient ones become free"""
    guests, alice = world.guests, world.alice
    guests.define(TRANSIENT, "create")
    world.own(TRANSIENT)
    mine, other, passing = (alice.volume(2) for _ in range(3))
    alice.attach(mine, FIRST)
    alice.attach(other, SECOND, "ro")
    alice.attach(passing, TRANSIENT)
    guests.write(FIRST, mine, "over the reboot")
    power_off(guests)

    # Nobody knows by now what the VMs have: nothing is freed, nothing is told as gone.
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    check(any("node1" in u for u in report["unreachable"]) and not report["findings"], f"reconcile: {report}")
    for volume, vm in ((mine, FIRST), (other, SECOND), (passing, TRANSIENT)):
        world.attached(volume, vm)

    equal(guests.lab("start").returncode, 0, "libvirtd's start")
    for vm in (FIRST, SECOND):
        equal(guests.tell("domstate", vm), "shut off", f"state of {vm} after the reboot")
        guests.tell("start", vm)
    guests.has(FIRST, mine, "rw")
    guests.has(SECOND, other, "ro")
    for vm in (FIRST, SECOND):
        guests.awake(vm)
    equal(guests.read(FIRST, mine), "over the reboot", "what the guest reads")
    eventually("the transient VM's volume is free", lambda: not world.attachments(passing), 75)
    world.clean()
    equal(world.owners_of(mine), {world.qemu_owner}, "owner after the reboot")
    for volume in (mine, other):
        alice.detach(volume)
    for volume in (mine, other, passing):
        world.delete_after(volume)


def power_off(guests):
    """libvirtd and every QEMU end at one moment, and what a reboot empties is empty."""
    pids = guests.of_directory()
    check(set(guests.processes()) < set(pids), f"not all QEMUs are among {pids}")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually("all processes of the host are gone", lambda: not any(os.path.exists(f"/proc/{p}") for p in pids))
    for file in (guests.directory / "run").rglob("*"):
        if not file.is_dir():
            file.unlink()
    (guests.directory / "libvirtd.pid").unlink(missing_ok=True)
