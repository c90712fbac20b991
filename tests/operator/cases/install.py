"""cmake --install into a directory of its own, and a service started from there."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from suite import Skip, check, equal, tests_of

WANTED = (
    "bin/vbs",
    "sbin/vbsd",
    "sbin/vbs-delegate",
    "include/vbs/plugin/storage.h",
    "include/vbs/plugin/storage.hpp",
    "share/man/man1/vbs.1",
    "share/man/man8/vbsd.8",
    "share/man/man8/vbs-delegate.8",
    "share/man/man7/vbs-storage-lustre.7",
    "share/man/man7/vbs-hv-kvm.7",
    "share/bash-completion/completions/vbs",
    "share/doc/vbs/examples/vbsd.yaml",
    "share/doc/vbs/configuration.md",
    "share/doc/vbs/examples/vbs-delegate.yaml",
    "lib/systemd/system/vbsd.service",
    "lib/systemd/system/vbs-delegate.service",
)
WORST_EXPOSURE = 3.0  # of systemd-analyze security: 0 is best, 10 is no sandbox at all


def tests(world):
    yield from tests_of(globals(), world)


def installed(world):
    prefix = world.home / "prefix"
    if not prefix.exists():
        command = ["cmake", "--install", world.build, "--prefix", prefix]
        ended = subprocess.run(command, capture_output=True, text=True)
        equal(ended.returncode, 0, ended.stdout[-500:] + ended.stderr[-2000:])
    return prefix


def test_files(world):
    """An installation has programs, plugins with manifests, headers, manuals, completion, unit and example"""
    prefix = installed(world)
    for file in WANTED:
        check((prefix / file).is_file(), f"{file} is not installed")
    plugins = {p.name for p in prefix.glob("lib*/**/vbs/plugins/*")}
    for name in ("storage_lustre", "hv_kvm"):
        check({f"{name}.so", f"{name}.vbs-plugin.yaml"} <= plugins, f"plugins: {plugins}")
    for header in (prefix / "include").rglob("*.h*"):
        check("core/" not in header.read_text(), f"{header} includes a header of the core")


def test_start(world):
    """vbsd starts from an installation, finds the plugins beside it, and stops"""
    prefix, home = installed(world), world.home / "installed"
    for name in ("data", "volumes"):
        (home / name).mkdir(parents=True, mode=0o700)
    config = home / "vbsd.yaml"
    text = (prefix / "share/doc/vbs/examples/vbsd.yaml").read_text()
    text = text[: text.index("hosts:")]
    for old, new in (
        ("/var/lib/vbs", home / "data"),
        ("8443", 0),
        ("/etc/vbs/vbsd-cert.pem", world.home / "server-cert.pem"),
        ("/etc/vbs/vbsd-key.pem", world.home / "server-key.pem"),
        ("/etc/vbs/ca/ca.pem", world.ca / "ca.pem"),
        ("/srv/vbs/fast", home / "volumes"),
    ):
        check(old in text, f"the example has no {old}")
        text = text.replace(old, str(new))
    config.write_text(text)
    environment = {**os.environ, "PATH": f"{prefix}/bin:{prefix}/sbin:{os.environ['PATH']}"}
    checked = subprocess.run([prefix / "bin/vbs", "config", "check", config], env=environment, capture_output=True, text=True)
    equal((checked.returncode, checked.stdout), (0, f"{config} is right\n"), checked.stderr)
    with (home / "log").open("w") as log:
        process = subprocess.Popen([prefix / "sbin/vbsd", "--config", config], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while "serves https" not in (home / "log").read_text() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        said = (home / "log").read_text()
        check("serves https" in said and "back-end fast is open" in said, said[-2000:])
        check(f"loaded from {prefix}/" in said, said)
    finally:
        process.send_signal(signal.SIGTERM)
        equal(process.wait(30), 0, "exit status")


def test_unit(world):
    """systemd finds the unit right, and its sandbox good"""
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is missing: apt-get install systemd")
    unit = installed(world) / "lib/systemd/system/vbsd.service"
    check(f"ExecStart={installed(world)}/sbin/vbsd " in unit.read_text(), "the path of vbsd")
    ended = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    equal((ended.returncode, ended.stdout, ended.stderr), (0, "", ""), "systemd-analyze verify")
    ended = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True
    )
    exposure = float(ended.stdout.partition("exposure level for vbsd.service:")[2].split()[0])
    check(exposure <= WORST_EXPOSURE, f"exposure {exposure}, at most {WORST_EXPOSURE}\n{ended.stdout}")
