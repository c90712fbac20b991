"""/metrics as a Prometheus reads it, and the health page when something is down."""
import os
import re
import time

from suite import check, equal, tests_of

LINE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$')


def tests(world):
    yield from tests_of(globals(), world)


def scrape(world):
    """(name, labels) -> value, and name -> type; checks the format on the way."""
    answer = world.operator.ask("GET", "/metrics")
    equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8", "Content-Type")
    values, types, closed, current = {}, {}, set(), None
    for line in answer.body.decode().splitlines():
        if line.startswith("# "):
            _, what, name, text = line.split(" ", 3)
            check(name not in closed, f"{name} stands in two places")
            if current and name != current:
                closed.add(current)
            current = name
            if what == "TYPE":
                types[name] = text
            else:
                check(len(text) > 10, f"the help of {name}: {text!r}")
            continue
        match = LINE.match(line)
        check(match, f"not a sample: {line!r}")
        base = re.sub("_(bucket|sum|count)$", "", match[1]) if types.get(current) == "histogram" else match[1]
        equal(base, current, "a sample under its family")
        key = (match[1], match[2] or "")
        check(key not in values, f"{key} twice")
        values[key] = float(match[3])
    return values, types


def test_format(world):
    """Every family is in the text format, has help and type, and is named as Prometheus wants it and as documented"""
    world.alice.delete(world.alice.volume())
    _, types = scrape(world)
    documented = set(re.findall(r"^\| `(vbs_[a-z_]+)", (world.source / "docs" / "monitoring.md").read_text(), re.M))
    if world.guests.absent:  # no host with a hypervisor
        documented = {name for name in documented if not name.startswith("vbs_host_")}
    documented.discard("vbs_delegate_up")  # this service has none
    equal(sorted(types), sorted(documented), "families")
    for name, kind in types.items():
        check(name.startswith("vbs_"), name)
        equal(name.endswith("_total"), kind == "counter", f"{name} is a {kind}")
        if kind == "histogram":
            check(re.search("_(seconds|transactions)$", name), name)


def test_operations(world):
    """Operations are counted by kind and outcome, with their time; requests by class; commits with their batch"""
    before, _ = scrape(world)
    for _ in range(3):
        world.alice.delete(world.alice.volume())
    world.alice.refused(404, "GET", "/v1/volumes/00000000-0000-4000-8000-000000000000")
    after, _ = scrape(world)

    def grown(name, labels=""):
        return after[(name, labels)] - before.get((name, labels), 0)

    for kind in ("create-volume", "delete-volume"):
        equal(grown("vbs_operations_total", f'kind="{kind}",outcome="done"'), 3, kind)
        equal(grown("vbs_operation_duration_seconds_count", f'kind="{kind}"'), 3, f"durations of {kind}")
        check(0 < grown("vbs_operation_duration_seconds_sum", f'kind="{kind}"') < 30, f"seconds of {kind}")
    equal(grown("vbs_http_requests_total", 'class="2xx"'), 7, "the six requests and the scrape before")
    equal(grown("vbs_http_requests_total", 'class="4xx"'), 1, "4xx")
    commits = grown("vbs_store_commit_duration_seconds_count")
    check(3 <= commits <= grown("vbs_store_commit_transactions_sum"), f"{commits} commits")
    equal(sum(v for (n, _), v in after.items() if n == "vbs_operations_live"), 0, "live operations")


def test_backends(world):
    """A back-end that goes away shows as down in the metrics and, with the reason, on the health page"""
    values, _ = scrape(world)
    for backend in ("local", "second"):
        label = f'backend="{backend}"'
        equal(values[("vbs_backend_up", label)], 1, backend)
        check(values[("vbs_backend_capacity_bytes", label)] >= values[("vbs_backend_free_bytes", label)] > 0, backend)
    equal(world.alice.get("/v1/health"), {"status": "ok", "version": "0.1.0", "problems": []}, "health")
    os.rename(world.home / "second", world.home / "away")
    try:
        end = time.monotonic() + 40
        while scrape(world)[0][("vbs_backend_up", 'backend="second"')] and time.monotonic() < end:
            time.sleep(0.5)
        values, _ = scrape(world)
        equal(values[("vbs_backend_up", 'backend="second"')], 0, "up")
        check(("vbs_backend_free_bytes", 'backend="second"') not in values, "a capacity that nobody knows")
        health = world.alice.ask("GET", "/v1/health")
        equal((health.status, health.json["status"]), (503, "degraded"), "health")
        equal(len(health.json["problems"]), 1, str(health.json))
        check("back-end second: the root" in health.json["problems"][0], health.json["problems"])
    finally:
        os.rename(world.home / "away", world.home / "second")
    end = time.monotonic() + 40
    while world.alice.ask("GET", "/v1/health").status != 200 and time.monotonic() < end:
        time.sleep(0.5)
    equal(world.alice.get("/v1/health")["problems"], [], "problems when it is back")
