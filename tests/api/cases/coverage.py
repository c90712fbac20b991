"""At the end: was everything of the document exercised, in its happy way and in its wrong ways?"""
from suite import check
from guests import DEFINED

MANAGED = (
    "/v1/volumes/{id}/attach",
    "/v1/volumes/{id}/detach",
    "/v1/volumes/{id}/attachments/move",
    "/v1/hosts/{name}/vms",
    "/v1/hosts/{name}/owners",
    "/v1/operations/{id}/cancel",
    "/v1/operations/{id}/retry",
)


# This service has no delegates; their happy way is in tests/delegates.
ELSEWHERE = ("/v1/delegates/{name}/tokens", "/v1/enroll")


def tests(world):
    for method, template in world.contract.operations():
        yield f"{method} {template} was answered well, and refused", lambda m=method, t=template: both(world, m, t)
    yield "the objects of these tests can be deleted", lambda: away(world)
    yield "at the end the store and the back-end are empty", lambda: empty(world)


def both(world, method, template):
    if template in MANAGED:
        world.guests.need()
    statuses = seen(world, method, template)
    well = template in ELSEWHERE or any(s < 300 for s in statuses)
    check(well, f"never answered well, only {sorted(statuses)}")
    check(any(400 <= s < 500 and s not in (401, 405) for s in statuses), f"never refused: {sorted(statuses)}")


def seen(world, method, template):
    return world.contract.seen.get((method, template), set())


def away(world):
    t = world.things
    if t.attached:
        world.alice.detach(t.attached, vm=DEFINED[0])
        world.alice.delete(t.attached)
    world.alice.change("DELETE", "/v1/snapshots/" + t.snapshot)
    world.alice.delete(t.volume)


def empty(world):
    for table in ("volumes", "snapshots", "attachments", "exports", "layers", "grants"):
        left = world.store.query(f"SELECT * FROM {table}")
        check(not left, f"{table}: {left[:3]}")
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    check(not report["findings"] and not report["unreachable"], str(report))
