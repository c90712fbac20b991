"""Guests that cannot let go now: paused ones, and one that does not hear."""
from life import FIRST, eventually
from suite import check, equal, tests_of

DEAF = "vbs-deaf"


def tests(world):
    yield from tests_of(globals(), world)


def test_paused_attach(world):
    """A paused guest gets a volume, and has it when it is resumed"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    guests.tell("suspend", FIRST)
    try:
        alice.attach(volume, FIRST)
        equal(guests.both(FIRST), {volume: "rw"}, "disks of the paused VM")
        world.clean()
    finally:
        guests.tell("resume", FIRST)
    guests.write(FIRST, volume, "resumed")
    equal(guests.read(FIRST, volume), "resumed", "what the guest reads")
    alice.detach(volume)
    world.delete_after(volume)


def test_paused_detach(world):
    """A detach from a paused guest waits and says so, and ends by itself when the guest is resumed"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.tell("suspend", FIRST)
    try:
        operation = world.begin(volume, "detach", {})
        waiting = eventually("the operation waits", lambda: world.operation(operation).get("waits_for"), 30)
        check("paused" in waiting and "resume it" in waiting and FIRST in waiting, waiting)
        equal(world.attachments(volume)[0]["state"], "detaching", "state meanwhile")
        equal(guests.both(FIRST), {volume: "rw"}, "disks meanwhile")
    finally:
        guests.tell("resume", FIRST)
    equal(world.end(operation)["state"], "done", "the operation")
    equal(guests.both(FIRST), {}, "disks afterwards")
    world.clean()
    world.delete_after(volume)


def test_paused_too_long(world):
    """A detach from a guest that stays paused ends with the reason, the volume stays attached, and a later one ends it"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.tell("suspend", FIRST)
    try:
        operation = world.end(world.begin(volume, "detach", {}), 120)
        equal(operation["state"], "failed", "the operation")
        check("paused" in operation["error"]["message"], operation)
        row = world.attachments(volume)[0]
        check(row["state"] == "attached" and "resume it" in str(row), f"the attachment: {row}")
        alice.refused(409, "DELETE", f"/v1/volumes/{volume}")
    finally:
        guests.tell("resume", FIRST)
    alice.detach(volume)
    equal(guests.both(FIRST), {}, "disks afterwards")
    world.clean()
    world.delete_after(volume)


def test_deaf(world):
    """A guest that does not answer an unplug keeps the volume: the detach says what to do, and succeeds when it can"""
    guests, alice = world.guests, world.alice
    guests.boot("deaf", "--append", "acpiphp.disable=1", "--transient")
    world.own(DEAF)
    volume = alice.volume(2)
    alice.attach(volume, DEAF)
    operation = world.begin(volume, "detach", {})
    waiting = eventually("the operation waits", lambda: world.operation(operation).get("waits_for"), 30)
    check("the guest does not let go" in waiting and DEAF in waiting, waiting)
    ended = world.end(operation, 120)
    equal(ended["state"], "failed", "the operation")
    world.attached(volume, DEAF)
    said = world.operator.get(f"/v1/volumes/{volume}/explain")
    check("does not let go" in str(said), f"explain: {said}")
    world.clean()
    guests.tell("destroy", DEAF)
    alice.detach(volume)  # the VM is gone, and with it whoever held the volume
    world.clean()
    world.delete_after(volume)
