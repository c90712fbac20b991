"""The document itself, and every operation in its happy way. Each answer is judged as it comes (client.Client.ask)."""
import re
import uuid

from guests import DEFINED, RUNNING
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def test_document(world):
    """The served OpenAPI document equals openapi.yaml"""
    equal(world.alice.get("/v1/openapi.json"), world.contract.document, "/v1/openapi.json")


def test_routes_of_the_source(world):
    """The code's routes are exactly the document's paths and methods"""
    routes = set()
    for file in (world.source / "adapters" / "vbs").glob("*.cpp"):
        routes |= set(re.findall(r'route\(\s*"([A-Z]+)",\s*"([^"]+)"', file.read_text()))
    equal(sorted(routes), sorted(world.contract.operations()), "routes")


def test_allow(world):
    """The running server allows exactly the documented methods on each path"""
    for template in world.contract.document["paths"]:
        documented = {m for m, t in world.contract.operations() if t == template}
        target = template.replace("{id}", str(uuid.uuid4())).replace("{name}", "bare")
        answer = world.alice.ask("PUT", target, {})
        equal(answer.status, 405, f"PUT {template}")
        equal(answer.error["code"], "method_not_allowed", f"PUT {template}")
        allowed = set(answer.headers["allow"].split(", ")) - {"HEAD"}
        equal(allowed, documented, f"Allow of {template}")


def test_other_paths(world):
    """What is not in the document is 404, whatever the method"""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for target in (
            "/",
            "/v1",
            "/v1/",
            "/v2/volumes",
            "/v1/volume",
            "/v1/volumes/",
            "/v1/projects",
            "/metric",
            f"/v1/volumes/{uuid.uuid4()}/",
            f"/v1/volumes/{uuid.uuid4()}/export",
            "/V1/volumes",
            "/v1/events",
        ):
            world.operator.refused(404, method, target, code="not_found")


def test_head(world):
    """HEAD answers as GET does, without a body"""
    answer = world.alice.ask("HEAD", "/v1/volumes")
    equal((answer.status, answer.body), (200, b""), "HEAD /v1/volumes")


def test_service(world):
    """health, whoami, hosts, back-ends, plugins, delegates and users describe the service"""
    equal(world.alice.get("/v1/health")["status"], "ok", "health")
    me = world.alice.get("/v1/whoami")["user"]
    equal((me["subject"], me["roles"]), ("CN=alice,O=VBS", ["member"]), "whoami")
    equal(world.operator.get("/v1/whoami")["user"]["roles"], ["member", "operator"], "roles of an operator")
    hosts = {h["name"]: h for h in world.alice.get("/v1/hosts")["hosts"]}
    equal(hosts["bare"]["state"], "up", "a host without a hypervisor")
    backends = {b["name"]: b for b in world.alice.get("/v1/backends")["backends"]}
    equal(sorted(backends), ["local", "second"], "back-ends")
    check(all(b["state"] == "up" and b["total_bytes"] >= b["free_bytes"] > 0 for b in backends.values()), backends)
    plugins = {p["name"]: p for p in world.operator.get("/v1/plugins")["plugins"]}
    check({"storage_lustre", "hv_kvm"} <= set(plugins), f"plugins: {sorted(plugins)}")
    check(not any(p.get("refusal") for p in plugins.values()), plugins)
    equal(world.operator.get("/v1/delegates")["delegates"], [], "delegates")
    subjects = {u["subject"] for u in world.operator.get("/v1/users")["users"]}
    check({world.subject(n) for n in ("alice", "bob", "operator")} <= subjects, f"users: {subjects}")


def test_operators_routes(world):
    """The metrics and a backup of the store are there for an operator"""
    answer = world.operator.ask("GET", "/metrics")
    equal(answer.status, 200, "/metrics")
    check(b"vbs_http_requests_total" in answer.body, answer.body[:300])
    check(world.operator.expect(200, "POST", "/v1/store/backup", {})["size_bytes"] > 0, "backup")


def test_life_of_a_volume(world):
    """A volume is created, shown, listed, changed, extended, explained, shared and deleted"""
    alice = world.alice
    made = alice.change(
        "POST",
        "/v1/volumes",
        {"name": "life", "comment": "c", "size_bytes": 1 << 20, "backend": "second", "metadata": {"a": "1", "ä": ""}},
    )
    volume, target = made["volume"], "/v1/volumes/" + made["volume"]["id"]
    equal(
        (volume["state"], volume["access"], volume["backend"], volume["metadata"], volume["owner"]),
        ("available", "owner", "second", {"a": "1", "ä": ""}, "CN=alice,O=VBS"),
        "the new volume",
    )
    equal(alice.get(target)["volume"], volume, "the volume shown")
    check(volume in alice.get("/v1/volumes")["volumes"], "it is not in the list")
    changed = alice.expect(200, "PATCH", target, {"name": "neu", "comment": "", "metadata": {"b": "2"}})["volume"]
    equal((changed["name"], changed["comment"], changed["metadata"]), ("neu", "", {"b": "2"}), "after PATCH")
    equal(alice.expect(200, "PATCH", target, {})["volume"]["name"], "neu", "after an empty PATCH")
    equal(alice.expect(200, "PATCH", target, {"comment": "x"})["volume"]["metadata"], {"b": "2"}, "metadata not named")
    alice.change("POST", target + "/extend", {"size_bytes": 3 << 20})
    equal(alice.get(target)["volume"]["size_bytes"], 3 << 20, "size after extend")
    alice.change("POST", target + "/extend", {"size_bytes": 3 << 20})
    check(any("available" in line for line in alice.get(target + "/explain")["explanation"]), "explain")
    grants = alice.expect(200, "POST", target + "/grants", {"user": "CN=bob,O=VBS"})["grants"]
    equal([g["user"] for g in grants], ["CN=bob,O=VBS"], "grants")
    equal(alice.get(target + "/grants")["grants"], grants, "grants listed")
    equal(alice.expect(200, "POST", target + "/ungrant", {"user": grants[0]["user_id"]})["grants"], [], "after ungrant")
    alice.delete(volume["id"])
    alice.refused(404, "GET", target, code="not_found")


def test_revert(world):
    """A volume goes back to its latest snapshot, and to no other one, and not while it is somebody else's"""
    alice = world.alice
    volume, other = alice.volume(2), alice.volume(2)
    take = lambda of: alice.change("POST", "/v1/snapshots", {"volume_id": of})["snapshot"]["id"]
    first, foreign = take(volume), take(other)
    target = f"/v1/volumes/{volume}/revert"
    alice.change("POST", target, {"snapshot_id": first})
    second = take(volume)
    alice.refused(409, "POST", target, {"snapshot_id": first}, code="conflict")
    alice.refused(400, "POST", target, {"snapshot_id": foreign}, code="invalid", field="snapshot_id")
    alice.refused(404, "POST", target, {"snapshot_id": volume}, code="not_found")
    alice.change("POST", target, {"snapshot_id": second})
    equal(alice.get(f"/v1/volumes/{volume}")["volume"]["size_bytes"], 2 << 20, "size after revert")
    for snapshot in (first, second, foreign):
        alice.change("DELETE", "/v1/snapshots/" + snapshot)
    alice.delete(volume)
    alice.delete(other)


def test_life_of_a_snapshot(world):
    """A snapshot is taken, shown, listed, changed, made a volume of and deleted; so is a copy of a volume"""
    alice = world.alice
    volume = alice.volume(2)
    made = alice.change("POST", "/v1/snapshots", {"volume_id": volume, "name": "s", "metadata": {"k": "v"}})["snapshot"]
    target = "/v1/snapshots/" + made["id"]
    equal((made["state"], made["volume_id"], made["size_bytes"]), ("available", volume, 2 << 20), "the snapshot")
    equal(alice.get(target)["snapshot"], made, "the snapshot shown")
    check(made in alice.get("/v1/snapshots?volume_id=" + volume)["snapshots"], "it is not in the list")
    equal(alice.expect(200, "PATCH", target, {"name": "t"})["snapshot"]["name"], "t", "after PATCH")
    equal(alice.get(target)["snapshot"]["metadata"], {"k": "v"}, "metadata not named")
    of_snapshot = alice.change("POST", "/v1/volumes", {"snapshot_id": made["id"]})["volume"]
    equal((of_snapshot["snapshot_id"], of_snapshot["size_bytes"]), (made["id"], 2 << 20), "volume of a snapshot")
    copy = alice.change("POST", "/v1/volumes", {"volume_id": volume, "size_bytes": 4 << 20})["volume"]
    equal((copy["source_volume_id"], copy["size_bytes"]), (volume, 4 << 20), "copy of a volume")
    for v in (copy["id"], volume):
        alice.delete(v)
    alice.change("DELETE", target)
    alice.refused(404, "GET", target, code="not_found")
    alice.delete(of_snapshot["id"])


def layers_said(client, volume):
    lines = client.get(f"/v1/volumes/{volume}/explain")["explanation"]
    return [line.split(";")[0] for line in lines if line.startswith("it rests on")]


def test_flatten(world):
    """A volume that nobody uses leaves the layers of its snapshots, and one on none is refused"""
    alice = world.alice
    volume = alice.volume(2, backend="second")
    alice.refused(409, "POST", f"/v1/volumes/{volume}/flatten", code="conflict")
    snapshots = [alice.snapshot(volume) for _ in range(2)]
    equal(layers_said(alice, volume), ["it rests on 2 layers"], "explain")
    alice.change("POST", f"/v1/volumes/{volume}/flatten")
    equal(layers_said(alice, volume), [], "explain")
    equal(alice.get(f"/v1/volumes/{volume}")["volume"]["format"], "raw", "its new file")
    for snapshot in snapshots:
        alice.change("DELETE", "/v1/snapshots/" + snapshot)
    alice.delete(volume)


def test_flatten_in_use(world):
    """A volume to which a guest writes all the while leaves its layers, and not a byte is lost"""
    world.guests.need()
    alice = world.alice
    volume = alice.volume(24, backend="second")
    alice.attach(volume, RUNNING)
    blocks = 150
    world.guests.sh(
        f"rm -f /tmp/all /tmp/end; d=$(disk {volume}) && (for i in $(seq 0 {blocks - 1}); do head -c 65536 /dev/urandom | "
        "tee -a /tmp/all | dd of=$d bs=64k seek=$((i * 2)) conv=fsync 2>/dev/null; sleep 0.05; done; touch /tmp/end) "
        ">/dev/null 2>&1 &"
    )
    for _ in range(2):
        snapshots = [alice.snapshot(volume) for _ in range(3)]
        alice.change("DELETE", "/v1/snapshots/" + snapshots[1])
        equal(layers_said(alice, volume), ["it rests on 3 layers"], "explain before")
        alice.change("POST", f"/v1/volumes/{volume}/flatten")
        equal(layers_said(alice, volume), [], "explain after")
        for snapshot in snapshots[::2]:
            alice.change("DELETE", "/v1/snapshots/" + snapshot)
    written = world.guests.sh("until [ -e /tmp/end ]; do sleep 0.2; done; md5sum < /tmp/all; rm -f /tmp/all /tmp/end")
    alice.detach(volume)
    alice.attach(volume, RUNNING, "ro")
    read = world.guests.sh(
        f"d=$(disk {volume}) && for i in $(seq 0 {blocks - 1}); do dd if=$d bs=64k skip=$((i * 2)) count=1 2>/dev/null; "
        "done | md5sum"
    )
    equal(read, written, "what the guest wrote")
    alice.detach(volume)
    alice.delete(volume)


def test_attaching(world):
    """A volume is attached to a running and to a defined VM, shown so everywhere, and detached"""
    world.guests.need()
    alice, volume = world.alice, world.alice.volume(2)
    first = alice.attach(volume, RUNNING, "ro")["attachment"]
    vms = {v["name"]: v for v in alice.get("/v1/hosts/first/vms")["vms"]}
    equal(sorted(vms), [DEFINED[0], RUNNING], "alice's VMs")
    second = alice.attach(volume, vms[DEFINED[0]]["uuid"], "ro", host="first")["attachment"]
    equal(
        (second["host"], second["vm"], second["state"], second["mode"]),
        ("node1", DEFINED[0], "attached", "ro"),
        "second",
    )
    shown = alice.get("/v1/volumes/" + volume)["volume"]["attachments"]
    equal({a["id"] for a in shown}, {first["id"], second["id"]}, "attachments shown")
    for query in (f"volume_id={volume}", "host=node1", f"vm={RUNNING}", f"vm={first['vm_uuid']}"):
        found = alice.get("/v1/attachments?" + query)["attachments"]
        check(first["id"] in {a["id"] for a in found}, f"attachments?{query} does not show the first")
        found = alice.get("/v1/volumes?" + query.replace("volume_id", "id"))["volumes"]
        check(volume in {v["id"] for v in found}, f"volumes?{query} does not show it")
    pair = alice.get(f"/v1/volumes?host=bare&vm={RUNNING}")["volumes"]
    equal(pair, [], "volumes attached to that VM on another host")
    equal(world.guests.sh(f"d=$(disk {volume}) && cat /sys/block/${{d#/dev/}}/ro"), "1", "read-only in the guest")
    alice.detach(volume, host="node1", vm=RUNNING)
    alice.attach(volume, RUNNING, "ro", device="vdb")
    equal(alice.get("/v1/attachments?vm=" + RUNNING)["attachments"][0]["device"], "vdb", "the wanted device")
    ended = alice.detach(volume, all=True)["operations"]
    equal({o["state"] for o in ended}, {"done"}, "detach from all")
    equal(alice.get("/v1/attachments")["attachments"], [], "attachments afterwards")
    alice.attach(volume, RUNNING)
    world.guests.sh(f"dd if=/dev/zero of=$(disk {volume}) bs=4k count=1 conv=fsync 2>/dev/null")
    alice.change("POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 8 << 20})
    alice.detach(volume)
    alice.delete(volume)


def test_operations(world):
    """Operations are listed newest first, shown and waited for; an ended one is neither cancelled nor retried"""
    alice = world.alice
    answer = alice.expect(202, "POST", "/v1/volumes", {"size_bytes": 1 << 20})
    volume, operation = answer["volume"]["id"], answer["operation"]
    check(operation["state"] in ("queued", "running", "done"), operation)
    target = "/v1/operations/" + operation["id"]
    shown = alice.get(target + "?wait=60")["operation"]
    equal(
        (shown["state"], shown["kind"], shown["object_kind"], shown["object_id"], shown["user"]),
        ("done", "create-volume", "volume", volume, "CN=alice,O=VBS"),
        "the operation",
    )
    equal(alice.get(f"/v1/operations?object_id={volume}")["operations"], [shown], "operations of the volume")
    listed = alice.get("/v1/operations?state=done&limit=1")["operations"]
    equal([o["id"] for o in listed], [shown["id"]], "the newest")
    for verb in ("cancel", "retry"):
        alice.refused(409, "POST", f"{target}/{verb}", code="conflict", words=[operation["id"]])
    alice.delete(volume)


def test_cancel(world):
    """An operation that waits for its turn can be cancelled, and not retried; what was in its way goes on"""
    world.guests.need()
    alice, volume = world.alice, world.alice.volume()
    alice.attach(volume, RUNNING, device="vdb")  # virtio: a scsi disk goes without the guest's help
    world.guests.virsh("suspend", RUNNING)  # a paused guest does not let go of a disk
    try:
        stuck = alice.expect(202, "POST", f"/v1/volumes/{volume}/detach", {})["operations"][0]
        other = alice.volume()
        waiting = alice.expect(202, "POST", f"/v1/volumes/{other}/attach", {"host": "node1", "vm": RUNNING})
        equal(waiting["operation"]["state"], "queued", "an attach to a VM that is busy")
        target = "/v1/operations/" + waiting["operation"]["id"]
        alice.refused(409, "POST", target + "/retry", code="conflict")
        cancelled = alice.expect(202, "POST", target + "/cancel")["operation"]
        cancelled = alice.get(target + "?wait=20")["operation"]
        equal((cancelled["state"], cancelled["error"]["code"]), ("failed", "cancelled"), "the cancelled attach")
        equal(alice.get("/v1/volumes/" + other)["volume"]["attachments"], [], "its attachment")
    finally:
        world.guests.virsh("resume", RUNNING)
    ended = alice.get(f"/v1/operations/{stuck['id']}?wait=60")["operation"]
    equal(ended["state"], "done", f"the detach after the guest went on: {ended}")
    for v in (volume, other):
        alice.delete(v)


def test_reconcile(world):
    """reconcile finds nothing that differs, with repair and without"""
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    equal((report["findings"], report["unreachable"]), ([], []), "reconcile")
    equal(
        world.operator.expect(200, "POST", "/v1/reconcile", {"repair": True})["findings"], [], "reconcile with repair"
    )
