"""vbs(1) and its exit codes: what works at once, and each main error with the words that help."""
from commands import CONFLICT, NOT_ALLOWED, NOT_FOUND, OK, UNREACHABLE, USAGE, Commands


def tests(world):
    vbs, t = Commands(world), world.things
    shared = world.alice.volume(name="cli-errors")

    def row(code, *arguments, by="alice", words=(), hint="", environment=None):
        said = " ".join(a if len(a) < 40 else a[:8] + "..." for a in arguments)
        return f"vbs {said} exits with {code}" + (f" for {by}" if by != "alice" else "") + (
            " there" if environment else ""
        ), lambda: vbs.run(code, *arguments, by=by, words=words, hint=hint, environment=environment)

    yield from (
        row(OK, "--version", words=("vbs ",)),
        row(OK, "--help", words=("create-volume", "Exit codes")),
        row(OK, "whoami", words=("CN=alice,O=VBS",)),
        row(OK, "health", words=("ok",)),
        row(OK, "backends", words=("local", "storage_lustre", "up")),
        row(OK, "hosts", words=("bare",)),
        row(OK, "hosts", "list"),
        row(OK, "plugins", by="operator", words=("storage_lustre",)),
        row(OK, "users", by="operator", words=("CN=bob,O=VBS",)),
        row(OK, "reconcile", by="operator", words=("nothing differs",)),
        row(OK, "reconcile", "--repair", by="operator"),
        row(OK, "operations"),
        row(OK, "operations", "list", "--state", "failed", "--limit", "3"),
        row(OK, "completion", "bash", words=("complete",)),
        row(OK, "describe-volumes", "--all-projects", by="operator", words=(t.volume[:8],)),
        row(OK, "explain", t.volume, words=("available",)),
    )
    # usage
    for arguments in (
        (),
        ("no-such-command",),
        ("create-volume",),
        ("create-volume", "10"),
        ("create-volume", "1.5GiB"),
        ("create-volume", "65TiB"),
        ("create-volume", "10MB"),
        ("create-volume", "1MiB", "--from-snapshot", "a", "--from-volume", "b"),
        ("create-volume", "1MiB", "--colour"),
        ("update-volume", "cli-errors"),
        ("attach-volume", "cli-errors"),
        ("attach-volume", "cli-errors", "h", "v", "--mode", "RW"),
        ("detach-volume", "cli-errors", "bare"),
        ("detach-volume", "cli-errors", "--all", "bare"),
        ("operations", "list", "--state", "x"),
        ("operations", "list", "--limit", "0"),
        ("hosts", "owner", "bare", "x"),
        ("describe-volumes", "--state", "x"),
        ("grant", "cli-errors", "CN="),
        ("create-volume", "1MiB", "--backend", "nowhere"),
        ("create-volume", "1MiB", "--name", "x" * 256),
        ("create-volume", "1MiB", "--metadata", "novalue"),
        ("extend-volume", "cli-errors", "x"),
        ("ca", "sign"),
        ("completion", "fish"),
    ):
        yield row(USAGE, *arguments)
    # reaching the service
    nobody_listens = {"VBS_URL": f"https://localhost:{world._free_port()}"}
    yield row(UNREACHABLE, "whoami", environment=nobody_listens, words=("cannot reach",), hint="VBS_URL")
    yield row(UNREACHABLE, "whoami", environment={"VBS_CA": f"{world.certificates.other_ca}/ca.pem"})
    yield row(UNREACHABLE, "whoami", environment={"VBS_CERT": "/nowhere.pem"}, words=("/nowhere.pem",))
    yield row(UNREACHABLE, "whoami", environment={"VBS_URL": f"https://localhost.localdomain.invalid:{world.port}"})
    foreign = {"VBS_CERT": f"{world.home}/foreign-cert.pem", "VBS_KEY": f"{world.home}/foreign-key.pem"}
    yield row(NOT_ALLOWED, "whoami", environment=foreign)
    yield row(
        NOT_ALLOWED,
        "whoami",
        environment={k: v.replace("foreign", "delegate") for k, v in foreign.items()},
        words=("delegate",),
    )
    # rights, existence, state
    for arguments in (
        ("plugins",),
        ("delegates",),
        ("users",),
        ("reconcile",),
        ("hosts", "owner", "bare", "x", "CN=bob,O=VBS"),
        ("describe-volumes", "--all-projects"),
    ):
        yield row(NOT_ALLOWED, *arguments, words=("operator",))
    missing = t.unknown
    for arguments in (
        ("delete-volume", "nothing"),
        ("delete-volume", missing),
        ("describe-volumes", missing),
        ("explain", missing),
        ("extend-volume", missing, "2GiB"),
        ("create-snapshot", missing),
        ("delete-snapshot", missing),
        ("create-volume", "--from-snapshot", missing),
        ("operations", "show", missing),
        ("operations", "cancel", missing),
        ("grant", missing, "CN=bob,O=VBS"),
        ("grants", missing),
        ("hosts", "vms", "nowhere"),
        ("attach-volume", "cli-errors", "nowhere", "x"),
        ("detach-volume", missing),
    ):
        yield row(NOT_FOUND, *arguments, hint="" if "nowhere" in arguments else "hint: ")
    yield row(NOT_FOUND, "delete-volume", t.volume, by="bob")
    yield row(CONFLICT, "detach-volume", "cli-errors", words=("not attached",), hint="explain")
    yield row(CONFLICT, "operations", "retry", t.operation, words=("does not wait",))
    yield row(CONFLICT, "operations", "cancel", t.operation, words=("has ended",))
    yield row(USAGE, "extend-volume", t.volume, "1MiB", words=("can only grow",), hint="size_bytes")
    yield "the volume of these tests is deleted", lambda: world.alice.delete(shared)
