"""Many at once. Each thread has a connection of its own; what came out is looked at when all have ended."""
import threading
import uuid

from guests import DEFINED, RUNNING
from suite import Unexpected, check, equal, tests_of

MIB = 1 << 20
CROWD = 32


def tests(world):
    yield from tests_of(globals(), world)


def together(calls):
    """Calls all at the same moment, each in a thread; returns their results in order, raises the first failure."""
    results, failures, gate = [None] * len(calls), [], threading.Barrier(len(calls))

    def one(i, call):
        try:
            gate.wait(30)
            results[i] = call()
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(calls)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(180)
    if failures:
        raise Unexpected(f"{len(failures)} of {len(calls)} failed; the first: {failures[0]!r}")
    check(not any(t.is_alive() for t in threads), "a thread does not end")
    return results


def at_once(world, requests, by="alice"):
    """Sends all the requests together, on connections that are open already; returns the answers."""
    clients = [getattr(world, by).another() for _ in requests]
    for c in clients:
        c.get("/v1/whoami")
    answers = together([lambda c=c, r=r: c.ask(*r) for c, r in zip(clients, requests)])
    for c in clients:
        c.close()
    return answers


def ended(world, answers, by="alice"):
    """The operations of those answers that were accepted, when they have ended."""
    client = getattr(world, by)
    ids = [a.json["operation"]["id"] for a in answers if a.status == 202]
    return [client.get(f"/v1/operations/{i}?wait=60")["operation"] for i in ids]


def test_crowd(world):
    """32 clients create, attach ro, detach and delete at once; everyone gets what was asked for and nothing is left"""
    vms = [] if world.guests.absent else [RUNNING, *DEFINED]
    with_vms = world.operator if vms else world.alice
    before = len(world.store.query("SELECT 1 FROM volumes")), len(world.store.query("SELECT 1 FROM attachments"))

    def life(i):
        client = with_vms.another()
        volume = client.volume(name=f"crowd-{i}")
        if vms:
            client.attach(volume, vms[i % len(vms)], "ro")
            attached = client.get("/v1/volumes/" + volume)["volume"]["attachments"]
            equal([a["state"] for a in attached], ["attached"], "its attachments")
            client.detach(volume)
        client.delete(volume)
        client.close()

    together([lambda i=i: life(i) for i in range(CROWD)])
    after = len(world.store.query("SELECT 1 FROM volumes")), len(world.store.query("SELECT 1 FROM attachments"))
    equal(after, before, "volumes and attachments in the store")


def test_readers(world):
    """Several VMs attach one volume ro at the same moment, and all get it"""
    world.guests.need()
    volume, vms = world.operator.volume(2), [RUNNING, *DEFINED]
    answers = at_once(
        world,
        [("POST", f"/v1/volumes/{volume}/attach", {"host": "node1", "vm": vm, "mode": "ro"}) for vm in vms],
        "operator",
    )
    equal([a.status for a in answers], [202] * len(vms), "the answers")
    equal({o["state"] for o in ended(world, answers, "operator")}, {"done"}, "the operations")
    equal(len(world.operator.get("/v1/volumes/" + volume)["volume"]["attachments"]), len(vms), "attachments")
    world.operator.detach(volume, all=True)
    world.operator.delete(volume)


def test_writers(world):
    """Of writers who want one volume at the same moment exactly one gets it; the others are told who has it"""
    world.guests.need()
    vms = [RUNNING, *DEFINED] * 3
    for _ in range(3):
        volume = world.operator.volume()
        answers = at_once(
            world, [("POST", f"/v1/volumes/{volume}/attach", {"host": "node1", "vm": vm}) for vm in vms], "operator"
        )
        winners = [o for o in ended(world, answers, "operator") if o["state"] == "done"]
        equal(len(winners), 1, f"winners ({[a.status for a in answers]})")
        for a in answers:
            check(a.status in (202, 409), f"{a.status} {a.body!r}")
            if a.status == 409:
                equal(a.error["code"], "conflict", "code")
                check(
                    "attach" in a.error["message"] and volume in a.error["message"],
                    f"it does not name the state: {a.error}",
                )
        equal(sum(a.status == 202 for a in answers), 1, "accepted")
        equal(len(world.operator.get("/v1/volumes/" + volume)["volume"]["attachments"]), 1, "attachments")
        world.operator.detach(volume)
        world.operator.delete(volume)


def test_same_volume(world):
    """Delete, snapshot, extend and copy of one volume at the same moment: each is done or says what was in the way"""
    alice = world.alice
    for _ in range(5):
        volume = alice.volume()
        target = "/v1/volumes/" + volume
        answers = at_once(
            world,
            [
                ("POST", target + "/extend", {"size_bytes": 3 * MIB}),
                ("DELETE", target),
                ("POST", "/v1/snapshots", {"volume_id": volume}),
                ("POST", "/v1/volumes", {"volume_id": volume}),
                ("POST", target + "/extend", {"size_bytes": 2 * MIB}),
                ("DELETE", target),
                ("PATCH", target, {"name": "x"}),
            ],
        )
        for a in answers:
            check(a.status in (200, 202, 400, 404, 409), f"{a.status} {a.body!r}")
            if a.status == 409:
                check(volume in a.error["message"], f"it does not name the volume: {a.error}")
            if a.status == 400:  # the larger extend came first
                equal(a.error.get("field"), "size_bytes", "field")
        for operation in ended(world, answers):
            check(
                operation["state"] == "done" or operation["error"]["code"] in ("conflict", "not_found", "invalid"),
                str(operation),
            )
        world.store.idle()
        for kind in ("snapshots", "volumes"):
            for one in alice.get(f"/v1/{kind}")[kind]:
                if one.get("volume_id", one.get("source_volume_id")) == volume:
                    check(one["state"] in ("available", "failed"), str(one))
                    alice.change("DELETE", f"/v1/{kind}/{one['id']}")
        left = alice.ask("GET", target)
        if left.status == 200:
            equal(left.json["volume"]["state"], "available", "the volume")
            check("operation" not in left.json["volume"], left.body)
            alice.delete(volume)


def test_attach_against_delete(world):
    """Attach and delete at the same moment: one of them wins, and the store and the VM agree"""
    world.guests.need()
    for _ in range(4):
        volume = world.alice.volume()
        target = "/v1/volumes/" + volume
        answers = at_once(
            world, [("POST", target + "/attach", {"host": "node1", "vm": DEFINED[0]}), ("DELETE", target)]
        )
        equal(sorted(a.status for a in answers)[0], 202, "one is accepted")
        check(any(a.status in (404, 409) for a in answers), f"both are accepted: {[a.body for a in answers]}")
        done = [o["kind"] for o in ended(world, answers) if o["state"] == "done"]
        equal(len(done), 1, "done")
        if done == ["attach-volume"]:
            world.alice.detach(volume)
            world.alice.delete(volume)


def test_same_key(world):
    """One Idempotency-Key sent by 8 clients at once makes one volume, and all are told of it"""
    for _ in range(3):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        answers = at_once(
            world, [("POST", "/v1/volumes", {"size_bytes": MIB, "name": key["Idempotency-Key"]}, key)] * 8
        )
        equal([a.status for a in answers], [202] * 8, "the answers")
        volumes = {a.json["volume"]["id"] for a in answers}
        equal(len(volumes), 1, "volumes told of")
        equal(len(world.store.query("SELECT 1 FROM volumes WHERE name = ?", key["Idempotency-Key"])), 1, "volumes made")
        ended(world, answers[:1])
        world.alice.delete(volumes.pop())


def test_grants_and_names(world):
    """Changes of names and grants at once lose nothing: the last of each holds"""
    volume = world.alice.volume()
    target = "/v1/volumes/" + volume
    answers = at_once(
        world,
        [("POST", target + "/grants", {"user": f"CN=crowd{i},O=VBS"}) for i in range(8)]
        + [("PATCH", target, {"comment": str(i)}) for i in range(8)]
        + [("PATCH", target, {"metadata": {"n": str(i)}}) for i in range(8)],
    )
    equal({a.status for a in answers}, {200}, "the answers")
    equal(len(world.alice.get(target + "/grants")["grants"]), 8, "grants")
    shown = world.alice.get(target)["volume"]
    check(shown["comment"] and shown["metadata"].get("n"), f"a change is lost: {shown}")
    world.alice.delete(volume)


def test_afterwards(world):
    """Afterwards reconcile finds nothing that differs, and no operation is left"""
    world.store.idle()
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    equal((report["findings"], report["unreachable"]), ([], []), "reconcile")
    equal(world.operator.get("/v1/health")["status"], "ok", "health")
