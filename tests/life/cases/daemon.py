"""libvirtd dies in the middle (SIGKILL, as of a crash or the OOM killer) and comes back; its guests run on."""
import os
import random
import signal
import time

from life import FIRST
from suite import check, equal

ROUNDS = 4


def tests(world):
    seed = int(os.environ.get("VBS_LIFE_SEED", time.time_ns() % 1000000))
    print(f"   (VBS_LIFE_SEED={seed})", flush=True)
    dice = random.Random(seed)
    yield ("An attach that meets a libvirtd that is killed before it answers ends by itself, done, after its return",
           lambda: before(world, "attach"))
    yield ("A detach that meets a libvirtd that is killed before it answers ends by itself, done, after its return",
           lambda: before(world, "detach"))
    yield (f"libvirtd killed at {ROUNDS} moments of an attach: that is done or undone, and the guest agrees",
           lambda: amid(world, "attach", dice))
    yield (f"libvirtd killed at {ROUNDS} moments of a detach: that is done, or can be repeated, and the guest agrees",
           lambda: amid(world, "detach", dice))


def kill(world):
    pid = world.guests.daemon()
    os.kill(pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.01)


def back(world):
    equal(world.guests.lab("start").returncode, 0, "libvirtd's start")


def ready(world, verb):
    volume = world.alice.volume(2)
    if verb == "detach":
        world.alice.attach(volume, FIRST)
    return volume, {"host": "node1", "vm": FIRST} if verb == "attach" else {}


def agree(world, volume, verb, operation):
    """The guest itself, libvirt's two definitions and the store say the same."""
    if verb == "detach" and operation["state"] == "failed":  # the guest was slow to let go; it may have by now
        check("does not let go" in operation["error"]["message"], operation)
        world.attached(volume, FIRST)
        world.alice.detach(volume)
        operation = {"state": "done"}
    there = (verb == "attach") == (operation["state"] == "done")
    world.guests.has(FIRST, volume, "rw" if there else None)
    seen = world.guests.run(FIRST, f"disk {volume} {5 if there else 0} 2>&1 || :")
    equal(seen.startswith("/dev/"), there, f"the guest has it ({seen}), the {verb} being {operation['state']}")
    equal(len(world.attachments(volume)), 1 if there else 0, "attachments")
    world.clean()
    if there:
        world.guests.write(FIRST, volume, "usable")
        world.alice.detach(volume)
    world.delete_after(volume)


def before(world, verb):
    volume, body = ready(world, verb)
    os.kill(world.guests.daemon(), signal.SIGSTOP)  # nothing of the request is done before it dies
    operation = world.begin(volume, verb, body) if verb == "detach" else None
    if verb == "attach":  # finding the VM needs a libvirtd that answers, so it is stopped once the operation is there
        os.kill(world.guests.daemon(), signal.SIGCONT)
        operation = world.begin(volume, verb, body)
        os.kill(world.guests.daemon(), signal.SIGSTOP)
    time.sleep(0.5)
    kill(world)
    time.sleep(2)  # longer than hv_kvm's patience: the operation waits
    back(world)
    ended = world.end(operation)
    equal(ended["state"], "done", f"the {verb}: {ended}")
    agree(world, volume, verb, ended)


def amid(world, verb, dice):
    ends = {"done": 0, "failed": 0}
    for _ in range(ROUNDS):
        volume, body = ready(world, verb)
        operation = world.begin(volume, verb, body)
        time.sleep(dice.uniform(0, 0.15))
        kill(world)
        back(world)
        ended = world.end(operation)
        ends[ended["state"]] += 1
        try:
            agree(world, volume, verb, ended)
        except Exception as e:
            raise AssertionError(f"after {ends}: {ended}: {e}") from e
    print(f"     {verb}: {ends['done']} done, {ends['failed']} failed", flush=True)
    check(ends["done"], f"not one {verb} was done: {ends}")
