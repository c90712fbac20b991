"""vbs(1) as one works with it, against the real service."""
import re
import shutil

from commands import CONFLICT, NOT_ALLOWED, NOT_FOUND, OK, UNKNOWN, USAGE, Commands
from guests import DEFINED, RUNNING
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def test_volumes(world):
    """vbs makes, shows, changes, extends, shares and deletes volumes, by name, id and first characters"""
    vbs = Commands(world)
    made = vbs.json("create-volume", "2MiB", "--name", "cli", "--comment", "a b", "--metadata", "k=v=w")["volume"]
    equal((made["size_bytes"], made["state"], made["metadata"]), (2 << 20, "available", {"k": "v=w"}), "the volume")
    vbs.run(OK, "describe-volumes", words=("cli", made["id"][:8]))
    for one in ("cli", made["id"], made["id"][:13]):
        vbs.run(OK, "describe-volumes", one, words=(made["id"], "2 MiB"))
    equal(vbs.json("describe-volumes", "cli")["volume"]["id"], made["id"], "by name")
    equal([v["id"] for v in vbs.json("describe-volumes", "--name", "cli")["volumes"]], [made["id"]], "--name")
    vbs.run(OK, "extend-volume", "cli", "4MiB", words=("extended",))
    vbs.run(OK, "update-volume", "cli", "--name", "cli2", "--clear-metadata", words=("cli2",))
    equal(vbs.json("describe-volumes", "cli2")["volume"]["metadata"], {}, "metadata")
    vbs.run(OK, "grant", "cli2", "CN=bob,O=VBS", words=("CN=bob,O=VBS",))
    vbs.run(OK, "grants", "cli2", words=("CN=bob,O=VBS",))
    equal(len(vbs.json("grants", "cli2")["grants"]), 1, "grants")
    vbs.run(NOT_ALLOWED, "delete-volume", made["id"], by="bob", words=("read-only",))
    vbs.run(NOT_ALLOWED, "extend-volume", made["id"], "5MiB", by="bob")
    vbs.run(OK, "ungrant", "cli2", "CN=bob,O=VBS", words=("nobody but the owner",))
    twin = vbs.json("create-volume", "--from-volume", "cli2", "--name", "cli2")["volume"]
    vbs.run(USAGE, "delete-volume", "cli2", words=("fits 2 volumes", made["id"], twin["id"]))
    vbs.run(OK, "delete-volume", twin["id"], words=("deleted",))
    accepted = vbs.run(OK, "--no-wait", "delete-volume", "cli2", words=("accepted",))
    operation = re.search(r"operation ([0-9a-f-]{36})", accepted)[1]
    world.alice.get(f"/v1/operations/{operation}?wait=30")
    vbs.run(OK, "operations", "show", operation[:13], words=("delete-volume", "done"))
    equal(vbs.json("operations", "show", operation)["operation"]["state"], "done", "the operation")


def test_snapshots(world):
    """vbs takes, shows, changes and deletes snapshots, and makes volumes of them"""
    vbs = Commands(world)
    volume = vbs.json("create-volume", "1MiB", "--name", "cli-source")["volume"]["id"]
    vbs.run(OK, "create-snapshot", "cli-source", "--name", "cli-snap", words=("snapshot",))
    vbs.run(OK, "describe-snapshots", words=("cli-snap",))
    equal(len(vbs.json("describe-snapshots", "--volume", volume)["snapshots"]), 1, "--volume")
    vbs.run(OK, "update-snapshot", "cli-snap", "--comment", "c", words=("c",))
    made = vbs.json("create-volume", "--from-snapshot", "cli-snap")["volume"]["id"]
    equal(vbs.json("describe-snapshots", "cli-snap")["snapshot"]["comment"], "c", "comment")
    for command in (("delete-snapshot", "cli-snap"), ("delete-volume", made), ("delete-volume", volume)):
        vbs.run(OK, *command, words=("deleted",))


def test_attaching(world):
    """vbs attaches, lists and detaches; an attached volume is not deleted; the operator maps VMs"""
    world.guests.need()
    vbs = Commands(world)
    volume = vbs.json("create-volume", "1MiB", "--name", "cli-disk")["volume"]["id"]
    vbs.run(OK, "attach-volume", "cli-disk", "node1", RUNNING, "--mode", "ro", words=("attached", RUNNING, "ro"))
    done = vbs.json("attach-volume", "cli-disk", "first", DEFINED[0], "sdx", "--mode", "ro")["attachment"]
    equal((done["state"], done["device"]), ("attached", "sdx"), "the attachment")
    vbs.run(OK, "attachments", "--volume", "cli-disk", words=(RUNNING, DEFINED[0]))
    equal(len(vbs.json("attachments", "--vm", RUNNING)["attachments"]), 1, "--vm")
    vbs.run(OK, "describe-volumes", "--host", "node1", words=("cli-disk",))
    vbs.run(OK, "explain", "cli-disk", words=("hypervisor alone",))
    vbs.run(CONFLICT, "delete-volume", "cli-disk", words=("attached to",), hint="explain")
    vbs.run(CONFLICT, "attach-volume", "cli-disk", "node1", DEFINED[0], words=("already",))
    vbs.run(CONFLICT, "detach-volume", "cli-disk", words=("2 attachments",))
    vbs.run(NOT_ALLOWED, "attach-volume", "cli-disk", "node1", "no-such-vm", words=("no-such-vm",))
    vbs.run(NOT_FOUND, "attach-volume", volume, "node1", "no-such-vm", by="operator", words=("no-such-vm",))
    vbs.run(NOT_ALLOWED, "attach-volume", "cli-disk", "node1", DEFINED[2], words=("not mapped",), hint="hosts owner")
    vbs.run(OK, "detach-volume", "cli-disk", "node1", RUNNING, words=("detached",))
    vbs.run(OK, "detach-volume", "cli-disk", "--all", words=("detached",))
    vbs.run(OK, "hosts", "vms", "node1", words=(RUNNING, "running"))
    vbs.run(OK, "hosts", "owner", "node1", DEFINED[2], "CN=carol,O=VBS", by="operator")
    equal([v["name"] for v in vbs.json("hosts", "vms", "node1", by="carol")["vms"]], [DEFINED[2]], "carol's VMs")
    vbs.run(OK, "hosts", "owner", "node1", DEFINED[2], "--nobody", by="operator")
    vbs.run(OK, "delete-volume", volume)


def test_timeout(world):
    """What goes on after --timeout is exit code 7 with the way to look at it"""
    world.guests.need()
    vbs, volume = Commands(world), world.alice.volume(name="cli-slow")
    world.alice.attach(volume, RUNNING, device="vdb")  # virtio: a scsi disk goes without the guest's help
    world.guests.virsh("suspend", RUNNING)
    try:
        vbs.run(UNKNOWN, "--timeout", "1", "detach-volume", "cli-slow", words=("still runs",), hint="operations show")
        vbs.run(CONFLICT, "detach-volume", "cli-slow", words=("detaching",))
    finally:
        world.guests.virsh("resume", RUNNING)
    world.store.idle()
    world.alice.delete(volume)


def test_json(world):
    """--json of every list parses"""
    vbs = Commands(world)
    for command, field in (
        ("describe-volumes", "volumes"),
        ("describe-snapshots", "snapshots"),
        ("attachments", "attachments"),
        ("operations", "operations"),
        ("hosts", "hosts"),
        ("backends", "backends"),
        ("plugins", "plugins"),
        ("delegates", "delegates"),
        ("users", "users"),
    ):
        check(isinstance(vbs.json(command, by="operator")[field], list), command)
    equal(vbs.json("whoami")["user"]["subject"], "CN=alice,O=VBS", "whoami")
    equal(vbs.json("health")["status"], "ok", "health")
    equal(vbs.json("reconcile", by="operator")["findings"], [], "reconcile")
    check(vbs.json("explain", world.things.volume)["explanation"], "explain")


def test_certificates(world):
    """A request made where the key stays is signed by the CA, and its certificate is let in"""
    vbs, home = Commands(world), world.home / "requested"
    vbs.run(OK, "ca", "request", "--subject", "CN=erin,O=VBS", "--out", str(home))
    vbs.run(
        OK,
        "ca",
        "sign",
        "--dir",
        str(world.ca),
        "--kind",
        "user",
        "--csr",
        str(home / "request.pem"),
        "--out",
        str(home) + "/",
    )
    vbs.run(OK, "ca", "show", str(home / "cert.pem"), words=("CN=erin,O=VBS",))
    erin = {"VBS_CERT": str(home / "cert.pem"), "VBS_KEY": str(home / "key.pem")}
    vbs.run(OK, "whoami", environment=erin, words=("CN=erin,O=VBS",))
    vbs.run(CONFLICT, "ca", "request", "--subject", "CN=erin,O=VBS", "--out", str(home))
    vbs.run(CONFLICT, "ca", "init", "--dir", str(world.ca))


def test_profiles(world):
    """A profile of the configuration file says where the service is and who one is"""
    directory = world.home / ".config" / "vbs"
    directory.mkdir(parents=True)
    try:
        (directory / "config.yaml").write_text(
            f"""profile: b
profiles:
  b:
    url: https://localhost:{world.port}
    cert: {world.home}/bob-cert.pem
    key: {world.home}/bob-key.pem
    ca: {world.ca}/ca.pem
"""
        )
        nothing = {"VBS_URL": "", "VBS_CA": "", "VBS_CERT": "", "VBS_KEY": ""}
        Commands(world).run(OK, "whoami", environment=nothing, words=("CN=bob,O=VBS",))
        Commands(world).run(USAGE, "--profile", "z", "whoami", environment=nothing, words=("'z'",))
    finally:
        shutil.rmtree(world.home / ".config")
