"""Right requests at the wrong time: what the object's state forbids, and what was asked before."""
import uuid

from guests import DEFINED, RUNNING
from suite import equal, tests_of
from things import Refused

MIB = 1 << 20


def tests(world):
    refused, t = Refused(world), world.things
    volume = "/v1/volumes/" + t.volume
    for body in ({}, {"all": True}, {"host": "bare"}, {"vm": "vbs-vm1"}, {"force": True}):
        yield refused(
            f"detaching what is not attached is 409 ({body})",
            409,
            "POST",
            volume + "/detach",
            body,
            words=(t.volume, "not attached"),
        )
    yield refused(
        "attaching on a host without hypervisor is refused",
        400,
        "POST",
        volume + "/attach",
        {"host": "bare", "vm": "x"},
        code="not_supported",
        field="host",
        words=("bare", "hypervisor"),
    )
    yield refused(
        "VMs of a host without hypervisor are refused",
        400,
        "GET",
        "/v1/hosts/bare/vms",
        code="not_supported",
        field="host",
        words=("bare",),
    )
    for key in ("snapshot_id", "volume_id"):
        yield refused(
            f"a source that is not there is 404 ({key})",
            404,
            "POST",
            "/v1/volumes",
            {key: t.unknown},
            words=(t.unknown,),
        )
        yield refused(
            f"a source that is no id is 404 ({key})",
            404,
            "POST",
            "/v1/volumes",
            {key: "../../etc"},
            words=("../../etc",),
        )
    yield refused(
        "a snapshot of nothing is 404", 404, "POST", "/v1/snapshots", {"volume_id": t.unknown}, words=(t.unknown,)
    )
    for verb in ("cancel", "retry"):
        yield refused(
            f"{verb} of an ended operation is 409",
            409,
            "POST",
            f"/v1/operations/{t.operation}/{verb}",
            words=(t.operation,),
        )
    yield from tests_of(globals(), world)


def test_attached(world):
    """What is attached is not deleted, attached twice to a VM, or given to a writer; a writer's is given to nobody"""
    world.guests.need()
    t, place = world.things, {"host": "node1", "vm": RUNNING}
    target = "/v1/volumes/" + t.attached
    refused = Refused(world)
    refused.now(409, "DELETE", target, words=(t.attached, "attached to", DEFINED[0]))
    refused.now(
        409,
        "POST",
        target + "/attach",
        {**place, "vm": DEFINED[0], "mode": "ro"},
        words=(t.attached, "already", DEFINED[0]),
    )
    refused.now(409, "POST", target + "/attach", place, words=(t.attached, "attached to", DEFINED[0]))
    refused.now(409, "POST", target + "/detach", {"vm": RUNNING}, words=("not attached", RUNNING))
    refused.now(
        403, "POST", target + "/attach", {**place, "vm": "no-such-vm"}, field="vm", words=("no-such-vm", "node1")
    )
    refused.now(403, "POST", target + "/attach", {**place, "vm": "../../etc"}, field="vm", words=("../../etc",))
    refused.now(403, "POST", target + "/attach", {**place, "vm": str(uuid.uuid4())}, field="vm")
    refused.now(
        404,
        "POST",
        target + "/attach",
        {**place, "vm": "no-such-vm"},
        by="operator",
        field="vm",
        words=("no-such-vm", "node1"),
    )
    written = world.alice.volume()
    world.alice.attach(written, RUNNING)
    for mode in ("ro", "rw"):
        refused.now(
            409,
            "POST",
            f"/v1/volumes/{written}/attach",
            {**place, "vm": DEFINED[0], "mode": mode},
            words=(RUNNING, "rw"),
        )
    world.alice.detach(written)
    world.alice.delete(written)


def test_several(world):
    """A detach that could mean several VMs asks for one, or for all"""
    world.guests.need()
    alice, volume = world.alice, world.alice.volume()
    for vm in (RUNNING, DEFINED[0]):
        alice.attach(volume, vm, "ro")
    Refused(world).now(409, "POST", f"/v1/volumes/{volume}/detach", {}, words=("2 attachments", "all"))
    alice.detach(volume, all=True)
    alice.delete(volume)


def test_source_stays_usable(world):
    """A volume can be deleted before what was made of it, and the snapshot of a deleted volume still serves"""
    alice = world.alice
    volume = alice.volume()
    snapshot = alice.snapshot(volume)
    alice.delete(volume)
    late = alice.change("POST", "/v1/volumes", {"snapshot_id": snapshot})["volume"]["id"]
    alice.change("DELETE", "/v1/snapshots/" + snapshot)
    equal(alice.get("/v1/volumes/" + late)["volume"]["state"], "available", "the volume of a deleted snapshot")
    alice.delete(late)


def test_key_repeated(world):
    """The same Idempotency-Key with the same request gives the same volume, snapshot and operation, also later"""
    alice, key = world.alice, {"Idempotency-Key": str(uuid.uuid4())}
    body = {"size_bytes": MIB, "name": "once"}
    first = alice.change("POST", "/v1/volumes", body, key)
    for _ in range(2):
        again = alice.change("POST", "/v1/volumes", body, key)
        equal(
            (again["volume"]["id"], again["operation"]["id"]),
            (first["volume"]["id"], first["operation"]["id"]),
            "the repetition",
        )
    volume = first["volume"]["id"]
    equal(len(alice.get("/v1/volumes?name=once")["volumes"]), 1, "volumes made")
    for target, body in (
        ("/v1/snapshots", {"volume_id": volume}),
        (f"/v1/volumes/{volume}/extend", {"size_bytes": 2 * MIB}),
    ):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        ids = {alice.change("POST", target, body, key)["operation"]["id"] for _ in range(2)}
        equal(len(ids), 1, f"operations of {target}")
    snapshot = alice.get("/v1/snapshots?volume_id=" + volume)["snapshots"]
    equal(len(snapshot), 1, "snapshots made")
    alice.change("DELETE", "/v1/snapshots/" + snapshot[0]["id"])
    alice.delete(volume)


def test_key_of_attach(world):
    """An attach and a detach repeated with their keys are the same operations"""
    world.guests.need()
    alice, volume = world.alice, world.alice.volume()
    for verb, body in (("attach", {"host": "node1", "vm": DEFINED[0]}), ("detach", {"vm": DEFINED[0]})):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        target = f"/v1/volumes/{volume}/{verb}"
        first = alice.change("POST", target, body, key)
        field = "operation" if verb == "attach" else "operations"
        equal(alice.change("POST", target, body, key)[field], first[field], "the repetition")
    alice.delete(volume)


def test_key_after_its_attachment(world):
    """An attach repeated with its key after the detach tells of the operation of then and attaches nothing"""
    world.guests.need()
    alice, volume, key = world.alice, world.alice.volume(), {"Idempotency-Key": str(uuid.uuid4())}
    body, target = {"host": "node1", "vm": DEFINED[0]}, f"/v1/volumes/{volume}/attach"
    first = alice.change("POST", target, body, key)
    alice.detach(volume)
    equal(alice.change("POST", target, body, key)["operation"]["id"], first["operation"]["id"], "the repetition")
    equal(alice.get("/v1/volumes/" + volume)["volume"]["attachments"], [], "attachments")
    alice.delete(volume)


def test_key_after_delete(world):
    """A create repeated with its key after the volume was deleted is 404 and makes no other one"""
    key, body = {"Idempotency-Key": str(uuid.uuid4())}, {"size_bytes": MIB}
    volume = world.alice.change("POST", "/v1/volumes", body, key)["volume"]["id"]
    world.alice.delete(volume)
    Refused(world).now(404, "POST", "/v1/volumes", body, key, words=(volume,))


def test_key_reused(world):
    """A key used for another request is 409 and names itself; another user's same key is another key"""
    key, t = {"Idempotency-Key": "shared-between-two"}, world.things
    first = world.alice.change("POST", "/v1/volumes", {"size_bytes": MIB}, key)["volume"]["id"]
    refused = Refused(world)
    for target, body in (
        ("/v1/volumes", {"size_bytes": 2 * MIB}),
        ("/v1/volumes", {"size_bytes": MIB, "name": "x"}),
        ("/v1/snapshots", {"volume_id": t.volume}),
        (f"/v1/volumes/{t.volume}/extend", {"size_bytes": 4 * MIB}),
    ):
        refused.now(409, "POST", target, body, key, field="Idempotency-Key", words=("Idempotency-Key",))
    second = world.bob.change("POST", "/v1/volumes", {"size_bytes": MIB}, key)["volume"]["id"]
    assert first != second
    world.alice.delete(first)
    world.bob.delete(second)


def test_key_of_a_refused_request(world):
    """A request that was refused leaves no key behind"""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    world.alice.refused(400, "POST", "/v1/volumes", {"size_bytes": 5}, key)
    world.alice.refused(404, "POST", "/v1/volumes", {"volume_id": world.things.unknown}, key)
    world.alice.delete(world.alice.change("POST", "/v1/volumes", {"size_bytes": MIB}, key)["volume"]["id"])
