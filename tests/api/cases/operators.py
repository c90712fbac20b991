"""The operator sees and does everything; nobody else does what is the operator's."""
from commands import OK, Commands
from guests import DEFINED
from suite import check, equal, tests_of
from things import Refused


def tests(world):
    refused = Refused(world)
    for method, path, body in (
        ("GET", "/v1/plugins", None),
        ("GET", "/v1/delegates", None),
        ("POST", "/v1/delegates/stor/tokens", {}),
        ("GET", "/v1/users", None),
        ("GET", "/metrics", None),
        ("POST", "/v1/store/backup", {}),
        ("POST", "/v1/reconcile", {}),
        ("POST", "/v1/reconcile", {"repair": True}),
        ("POST", "/v1/hosts/bare/owners", {"vm": "x"}),
        ("POST", "/v1/hosts/bare/drain", {}),
        ("POST", "/v1/backends/second/drain", {}),
        ("POST", "/v1/hosts/nowhere/owners", {"vm": "x"}),
    ):
        yield refused(
            f"{method} {path} {body or ''} is the operator's", 403, method, path, body, words=("only an operator",)
        )
    yield from tests_of(globals(), world)


def test_rights(world):
    """An operator sees, changes, snapshots and deletes other users' objects, which stay theirs"""
    operator, t = world.operator, world.things
    shown = operator.get("/v1/volumes/" + t.volume)["volume"]
    equal((shown["access"], shown["owner"]), ("operator", "CN=alice,O=VBS"), "alice's volume")
    check(t.volume not in str(operator.get("/v1/volumes")), "the operator's own list has alice's volume")
    for path, one in (("volumes", t.volume), ("snapshots", t.snapshot), ("operations", t.operation)):
        check(one in str(operator.get(f"/v1/{path}?all_projects=true")), f"{path} of all projects")
    equal(operator.get("/v1/operations/" + t.operation)["operation"]["user"], "CN=alice,O=VBS", "alice's operation")
    volume = world.alice.volume()
    snapshot = operator.snapshot(volume)
    equal(world.alice.get("/v1/snapshots/" + snapshot)["snapshot"]["volume_id"], volume, "alice sees the snapshot")
    operator.expect(200, "PATCH", "/v1/volumes/" + volume, {"comment": "seen"})
    operator.change("POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 2 << 20})
    equal(world.alice.get("/v1/volumes/" + volume)["volume"]["owner"], "CN=alice,O=VBS", "the owner afterwards")
    operator.change("DELETE", "/v1/snapshots/" + snapshot)
    operator.delete(volume)
    world.alice.refused(404, "GET", "/v1/volumes/" + volume)


def test_enrollment(world):
    """Enrolling needs a token that the service has made, and a delegate that it knows"""
    world.alice.refused(400, "POST", "/v1/enroll", {})
    world.alice.refused(401, "POST", "/v1/enroll", {"token": "0" * 64, "request": "x"})
    world.operator.refused(404, "POST", "/v1/delegates/stor/tokens", {})


def test_vms(world):
    """An operator attaches to any VM and maps VMs to users, also away from them"""
    world.guests.need()
    operator, vm, volume = world.operator, DEFINED[2], world.alice.volume()
    names = [v["name"] for v in operator.get("/v1/hosts/node1/vms")["vms"]]
    check(set(DEFINED) <= set(names), f"VMs: {names}")
    operator.attach(volume, vm)
    equal([a["vm"] for a in world.alice.get("/v1/volumes/" + volume)["volume"]["attachments"]], [vm], "attachments")
    world.alice.detach(volume)

    def owners():
        return {v["name"]: v.get("owner") for v in operator.get("/v1/hosts/node1/vms")["vms"]}

    operator.expect(200, "POST", "/v1/hosts/first/owners", {"vm": vm, "user": "CN=alice,O=VBS"})
    equal(owners()[vm], "CN=alice,O=VBS", "the owner")
    world.alice.attach(volume, vm)
    for nobody in ({"vm": vm}, {"vm": vm, "user": None}, {"vm": vm, "user": ""}):
        operator.expect(200, "POST", "/v1/hosts/node1/owners", nobody)
        equal(owners()[vm], None, "the owner afterwards")
    world.alice.refused(
        403, "POST", f"/v1/volumes/{world.things.volume}/attach", {"host": "node1", "vm": vm}, field="vm"
    )
    world.alice.detach(volume)
    world.alice.delete(volume)
    Refused(world).now(
        404,
        "POST",
        "/v1/hosts/node1/owners",
        {"vm": "none", "user": "CN=alice,O=VBS"},
        by="operator",
        field="vm",
        words=("none",),
    )


def test_drain(world):
    """A drained back-end or host takes nothing new, tells what it still has, and takes new ones again"""
    operator, vbs = world.operator, Commands(world)
    volume = world.alice.volume(backend="second")
    left = operator.expect(200, "POST", "/v1/backends/second/drain", {})["left"]
    check({"kind": "volume", "id": volume} in [{k: o[k] for k in ("kind", "id")} for o in left], f"left: {left}")
    words = ("back-end second is drained", "vbs backends drain second --undo")
    body = {"name": "new", "size_bytes": 1 << 20, "backend": "second"}
    world.alice.refused(409, "POST", "/v1/volumes", body, words=words)
    world.alice.refused(409, "POST", "/v1/snapshots", {"volume_id": volume}, words=words)
    world.alice.change("POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 2 << 20})
    world.alice.delete(volume)
    vbs.run(OK, "backends", "drain", "second", "--undo", by="operator")
    world.alice.delete(world.alice.volume(backend="second"))
    operator.refused(404, "POST", "/v1/backends/none/drain", {}, words=("none",))
    operator.refused(404, "POST", "/v1/hosts/none/drain", {}, words=("none",))
    operator.refused(400, "POST", "/v1/hosts/bare/drain", {"drained": "yes"}, field="drained")
    equal(operator.expect(200, "POST", "/v1/hosts/bare/drain", {})["left"], [], "what is left there")
    vbs.run(OK, "hosts", "drain", "bare", by="operator")
    hosts = {h["name"]: h["drained"] for h in operator.get("/v1/hosts")["hosts"]}
    check(hosts["bare"], f"hosts: {hosts}")
    vbs.run(OK, "hosts", "drain", "bare", "--undo", by="operator")


def test_move(world):
    """An operator lets a volume follow a VM that is to be migrated, and calls it off; nobody else does"""
    world.guests.need()
    operator, vm, vbs = world.operator, DEFINED[0], Commands(world)
    volume = world.alice.volume(name="follows")
    target, body = f"/v1/volumes/{volume}/attachments/move", {"from": "node1", "to": "far"}
    operator.refused(409, "POST", target, body, words=("not attached", "node1"))
    world.alice.attach(volume, vm)
    world.alice.refused(403, "POST", target, body, words=("only an operator",))
    operator.refused(400, "POST", target, {"from": "node1", "to": "first"}, field="to", words=("one host",))
    operator.refused(400, "POST", target, {"from": "node1", "to": "bare"}, field="to", words=("bare", "hypervisor"))
    operator.refused(404, "POST", target, {"from": "node1", "to": "nowhere"}, words=("nowhere",))
    operator.refused(409, "POST", target, {**body, "vm": "another"}, words=("another",))
    begun = operator.expect(202, "POST", target, {**body, "vm": vm})["operation"]
    world.alice.refused(409, "POST", f"/v1/volumes/{volume}/detach", {}, words=("just moving",))
    called_off(operator, begun["id"])
    vbs.run(OK, "--no-wait", "attachments", "move", volume, "--from", "node1", "--to", "far", by="operator")
    again = operator.get("/v1/operations?all_projects=true&limit=1")["operations"][0]
    equal(again["kind"], "move-attachment", "the last operation")
    called_off(operator, again["id"])
    row = world.alice.get("/v1/volumes/" + volume)["volume"]["attachments"][0]
    equal((row["host"], row["state"]), ("node1", "attached"), "the attachment")
    world.alice.detach(volume)
    world.alice.delete(volume)


def called_off(operator, operation):
    operator.expect(202, "POST", f"/v1/operations/{operation}/cancel")
    ended = operator.get(f"/v1/operations/{operation}?wait=30")["operation"]
    equal((ended["state"], ended["error"]["code"]), ("failed", "cancelled"), "the move")


def test_audit(world):
    """Every change leaves an event that names the user and the request; a refused one leaves none"""
    volume = world.alice.volume()
    answer = world.alice.ask("PATCH", "/v1/volumes/" + volume, {"name": "audited"})
    rows = world.store.query(
        "SELECT action, object_id, outcome FROM events WHERE request_id = ?", answer.headers["x-request-id"]
    )
    equal(rows, [("update-volume", volume, "done")], "events of the change")
    world.alice.delete(volume)
    actions = world.store.query("SELECT action, outcome FROM events WHERE object_id = ? ORDER BY seq", volume)
    equal(
        actions,
        [
            ("create-volume", "done"),
            ("update-volume", "done"),
            ("delete-volume", "done"),
        ],
        "events of the volume",
    )
