"""Guests that cannot let go now: paused ones, and one that does not hear."""
import time

from life import FIRST, PATIENCE
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
        guests.has(FIRST, volume, "rw")
        world.clean()
    finally:
        guests.tell("resume", FIRST)
    guests.write(FIRST, volume, "resumed")
    equal(guests.read(FIRST, volume), "resumed", "what the guest reads")
    alice.detach(volume)
    world.delete_after(volume)


def test_paused_detach(world):
    """A detach from a paused guest waits, and ends by itself when the guest is resumed in time"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.tell("suspend", FIRST)
    try:
        operation = world.begin(volume, "detach", {})
        time.sleep(PATIENCE / 4)
        equal(world.attachments(volume)[0]["state"], "detaching", "state meanwhile")
        guests.has(FIRST, volume, "rw")
    finally:
        guests.tell("resume", FIRST)
    equal(world.end(operation)["state"], "done", "the operation")
    guests.has(FIRST, volume, None)
    world.clean()
    world.delete_after(volume)


def test_paused_too_long(world):
    """A detach from a guest that stays paused fails with the reason, and one after it is resumed succeeds"""
    guests, alice = world.guests, world.alice
    volume = alice.volume(2)
    alice.attach(volume, FIRST)
    guests.tell("suspend", FIRST)
    try:
        refused(world, volume, FIRST, "it is paused; resume it")
        guests.has(FIRST, volume, "rw")
        world.clean()
        alice.refused(409, "DELETE", f"/v1/volumes/{volume}")
    finally:
        guests.tell("resume", FIRST)
    alice.detach(volume)
    guests.has(FIRST, volume, None)
    world.clean()
    world.delete_after(volume)


def test_deaf(world):
    """A guest that does not answer an unplug keeps the volume: the detach says why, and succeeds once it can"""
    guests, alice = world.guests, world.alice
    guests.boot("deaf", "--append", "acpiphp.disable=1", "--transient")
    world.own(DEAF)
    volume = alice.volume(2)
    alice.attach(volume, DEAF)
    refused(world, volume, DEAF, "the guest does not let go; unmount it in the guest")
    equal(guests.disks(DEAF), {volume: "rw"}, "disks of the guest")
    world.clean()
    refused(world, volume, DEAF, "the guest does not let go")  # and again
    guests.tell("destroy", DEAF)
    alice.detach(volume)  # the VM is gone, and with it whoever held the volume
    world.clean()
    world.delete_after(volume)


def refused(world, volume, vm, words):
    """A detach fails, and all who can be asked why say so."""
    operation = world.end(world.begin(volume, "detach", {}))
    equal(operation["state"], "failed", "the detach")
    check(words in operation["error"]["message"] and vm in operation["error"]["message"], operation)
    world.attached(volume, vm)
    check(words in str(world.attachments(volume)), world.attachments(volume))
    said = world.alice.get(f"/v1/volumes/{volume}/explain")
    check(words in str(said["explanation"]), f"explain: {said}")
