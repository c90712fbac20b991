"""The configuration: the page equals the code, and a check finds what is wrong before a start does."""
import re
import subprocess

import yaml

from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def vbsd(world, *arguments):
    return subprocess.run([world.build / "bin" / "vbsd", *arguments], capture_output=True, text=True, timeout=60)


def test_page(world):
    """The table of docs/configuration.md is the one that the parser uses"""
    printed = vbsd(world, "--print-config-reference").stdout
    page = (world.source / "docs" / "configuration.md").read_text()
    check(printed.count("\n") > 20, printed)
    check(printed in page, "run vbsd --print-config-reference and put its output into docs/configuration.md")


def test_examples(world):
    """Every key of the documented example and of the installed one stands in the table"""
    known = set(re.findall(r"^\| `([^`]+)`", vbsd(world, "--print-config-reference").stdout, re.M))
    page = (world.source / "docs" / "configuration.md").read_text()
    texts = [re.search(r"```yaml\n(data_dir.*?)```", page, re.S)[1]]
    texts.append((world.source / "packaging" / "examples" / "vbsd.yaml").read_text())

    def keys(node, path):
        if path in known and (path.endswith("config") or not isinstance(node, (dict, list))):
            yield path
        elif isinstance(node, dict):
            for name, value in node.items():
                yield from keys(value, f"{path}.{name}" if path else name)
        elif isinstance(node, list) and node and isinstance(node[0], dict):
            for item in node:
                yield from keys(item, path + "[]")
        else:
            yield path

    for text in texts:
        for key in keys(yaml.safe_load(text), ""):
            check(key in known, f"{key} is not in the table")


def test_check(world):
    """vbsd --check names each thing that is wrong, options of plugins included, and accepts what is right"""
    file = world.home / "vbsd.yaml"
    right = vbsd(world, "--check", "--config", file)
    equal((right.returncode, right.stdout), (0, f"{file} is right\n"), right.stderr)
    broken = world.home / "broken.yaml"
    text = file.read_text()
    for old, new, words in (
        ("root: ", "rooot: ", ("back-end local", "rooot", "is not an option of plugin 'storage_lustre'")),
        ("over_commit_ratio: 1000", "over_commit_ratio: -1", ("back-end local", "over_commit_ratio")),
        ("plugin: storage_lustre", "plugin: hv_kvm", ("back-end local", "is no storage plugin")),
        ("plugin: storage_lustre", "plugin: storage_absent", ("there is no plugin 'storage_absent'",)),
        ("server-cert.pem", "absent.pem", ("listen.certificate", "absent.pem", "No such file")),
        ("level: info", "level: loud", ("log.level", "loud", "use debug, info")),
        ("port: ", "ports: ", ("broken.yaml", "ports")),
        ("CN=operator", "=operator", ("operators",)),
        (f"data_dir: {world.data}", "data_dir: /nonexistent/vbs", ("data_dir /nonexistent/vbs",)),
        ("plugins: {", "plugins: {commands: {storage_lustre: {absent: [x]}}, ", ("storage_lustre", "absent")),
    ):
        check(old in text, f"the configuration of this test has no {old!r}")
        broken.write_text(text.replace(old, new, 1))
        said = vbsd(world, "--check", "--config", broken)
        equal(said.returncode, 1, f"{new}: {said.stdout}")
        for word in words:
            check(word in said.stderr, f"{new}: {word!r} is not in: {said.stderr}")
    broken.write_text(text.replace("root: ", "rooot: ").replace("level: info", "level: loud"))
    lines = vbsd(world, "--check", "--config", broken).stderr.splitlines()
    equal(len(lines), 3, f"a line for each problem: {lines}")
