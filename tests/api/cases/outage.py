"""libvirtd goes away and comes back: what is asked meanwhile is refused or waits, and nothing is lost."""
import time

from guests import DEFINED, RUNNING
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def until(world, operation, states, seconds=40):
    end = time.monotonic() + seconds
    while True:
        now = world.alice.get(f"/v1/operations/{operation}?wait=1")["operation"]
        if now["state"] in states:
            return now
        check(time.monotonic() < end, f"it does not come to {states}: {now}")


def retried(world, operation):
    """A retry is taken while the operation pauses, and refused while it just tries."""
    for _ in range(100):
        answer = world.alice.ask("POST", f"/v1/operations/{operation}/retry")
        if answer.status == 202:
            return
        equal(answer.status, 409, "retry")
        time.sleep(0.2)
    raise AssertionError("no retry was ever taken")


def healthy_again(world, seconds=40):
    """The health page is at most 15 s old."""
    end = time.monotonic() + seconds
    while (answer := world.operator.ask("GET", "/v1/health")).status != 200:
        equal(answer.status, 503, "health")
        check(time.monotonic() < end, f"health does not come back: {answer.body}")
        time.sleep(0.5)


def test_libvirtd_away(world):
    """While libvirtd is away a detach waits, can be retried, and is done when it is back; the host is shown as down"""
    world.guests.need()
    alice, volume = world.alice, world.alice.volume()
    alice.attach(volume, RUNNING)
    world.guests.lab("down")
    try:
        operation = alice.expect(202, "POST", f"/v1/volumes/{volume}/detach", {})["operations"][0]["id"]
        waiting = until(world, operation, ("waiting",))
        check(waiting["waits_for"], f"it does not say what it waits for: {waiting}")
        retried(world, operation)
        shown = alice.get("/v1/volumes/" + volume)["volume"]["attachments"]
        equal([a["state"] for a in shown], ["detaching"], "its attachment meanwhile")
        host = next(h for h in alice.get("/v1/hosts")["hosts"] if h["name"] == "node1")
        check(host["state"] == "down" and host["error"], f"the host is shown as {host}")
        other = {"host": "node1", "vm": DEFINED[0]}
        alice.refused(503, "POST", f"/v1/volumes/{world.things.volume}/attach", other, code="unavailable")
        alice.refused(503, "GET", "/v1/hosts/node1/vms", code="unavailable")
        report = world.operator.expect(200, "POST", "/v1/reconcile", {"repair": True})
        check(any("node1" in u for u in report["unreachable"]), f"reconcile does not say so: {report}")
    finally:
        world.guests.lab("start")
    alice.ask("POST", f"/v1/operations/{operation}/retry")  # at once; refused if it just tries by itself
    equal(until(world, operation, ("done", "failed"))["state"], "done", "the detach afterwards")
    check(alice.get("/v1/hosts/node1/vms")["vms"], "no VMs afterwards")
    alice.delete(volume)
    healthy_again(world)
