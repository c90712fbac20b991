"""vbs store backup, and a start from the copy."""
import os
import shutil
import stat
import subprocess

from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def test_copy(world):
    """A backup made by the command is whole, private, durable under its name, and has what the store had"""
    volume = world.alice.volume(name="kept")
    said = vbs(world, "operator", "store", "backup", "first.db")
    equal(said.returncode, 0, said.stderr)
    file = world.data / "backups" / "first.db"
    check(str(file) in said.stdout, said.stdout)
    equal(stat.S_IMODE(file.stat().st_mode), 0o600, "mode")
    equal(stat.S_IMODE(file.parent.stat().st_mode), 0o700, "mode of its directory")
    equal(os.listdir(file.parent), ["first.db"], "files there")
    equal(world.store.query("SELECT action FROM events WHERE detail = ?", str(file)), [("backup-store",)], "audit")

    later = world.alice.volume(name="later")
    world.stop_service()
    for name in ("vbs.db", "vbs.db-wal", "vbs.db-shm"):
        (world.data / name).unlink(missing_ok=True)
    shutil.copy(file, world.data / "vbs.db")
    world.start_service()
    ids = [v["id"] for v in world.alice.get("/v1/volumes")["volumes"]]
    check(volume in ids and later not in ids, f"volumes after a start from the copy: {ids}")
    report = world.operator.expect(200, "POST", "/v1/reconcile", {})
    equal([(f["what"], f["object_id"]) for f in report["findings"]], [("unknown-object", later)], "reconcile")
    for file in (world.volumes / "images").glob(later + "*"):
        file.unlink()
    world.alice.delete(volume)


def test_refused(world):
    """A backup writes over nothing, outside of its directory nowhere, and is the operator's"""
    world.operator.refused(409, "POST", "/v1/store/backup", {"file": "first.db"}, words=("exists already",))
    for file in ("../x", "/etc/cron.d/x", "a/b", ".hidden", str(world.data / "backups" / ".." / "x"), "x\n", "y" * 200):
        world.operator.refused(400, "POST", "/v1/store/backup", {"file": file}, field="file")
    world.alice.refused(403, "POST", "/v1/store/backup", {}, words=("only an operator",))
    said = world.operator.expect(200, "POST", "/v1/store/backup", {"file": str(world.data / "backups" / "second.db")})
    check(said["file"].endswith("/backups/second.db") and said["size_bytes"] > 4096, said)
    check("/vbs-2" in world.operator.expect(200, "POST", "/v1/store/backup", {})["file"], "the default name")


def vbs(world, name, *arguments):
    return subprocess.run([world.vbs, *arguments], env=world.cli_environment(name), capture_output=True, text=True)
