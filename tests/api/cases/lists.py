"""Filters and pages."""
from suite import check, equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def pages(client, path, field, limit):
    out, marker = [], ""
    while True:
        page = client.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{marker}")
        check(len(page[field]) <= limit, f"{len(page[field])} on a page of {limit}")
        out += [v["id"] for v in page[field]]
        if "next" not in page:
            return out
        marker = "&marker=" + page["next"]


def test_pages(world):
    """Pages of any size hold every volume and snapshot once, in order of creation"""
    volumes = [world.carol.volume(name=f"page{i % 2}") for i in range(5)]
    snapshots = [world.carol.snapshot(v) for v in volumes]
    for limit in (1, 2, 5, 6, 1000):
        equal(pages(world.carol, "/v1/volumes", "volumes", limit), volumes, f"volumes, {limit} a page")
        equal(pages(world.carol, "/v1/snapshots", "snapshots", limit), snapshots, f"snapshots, {limit} a page")
    equal(pages(world.carol, "/v1/volumes?name=page1", "volumes", 1), volumes[1::2], "those of one name")
    for s in snapshots:
        world.carol.change("DELETE", "/v1/snapshots/" + s)
    for v in volumes:
        world.carol.delete(v)


def test_filters(world):
    """Lists are narrowed by id, name, state and volume; what fits nothing is an empty list"""
    a, b = world.carol.volume(name="filter-a"), world.carol.volume(name="filter ö&=b")
    s = world.carol.snapshot(a, name="snap")

    def found(query, what="volumes"):
        return [x["id"] for x in world.carol.get(f"/v1/{what}?{query}")[what]]

    equal(found("name=filter-a"), [a], "by name")
    equal(found("name=filter+%C3%B6%26%3Db"), [b], "by an encoded name")
    equal(found(f"id={b}&id={a}"), [a, b], "by two ids")
    equal(found(f"id={b}&name=filter-a"), [], "by an id and another name")
    equal(found("state=available"), [a, b], "by state")
    equal(found("state=failed"), [], "by another state")
    equal(found("vm=nothing"), [], "by a VM that has none")
    equal(found("host=bare"), [], "by a host that has none")
    equal(found(f"volume_id={a}", "snapshots"), [s], "snapshots of a")
    equal(found(f"volume_id={b}", "snapshots"), [], "snapshots of b")
    equal(found("name=snap&state=available", "snapshots"), [s], "snapshots by name and state")
    world.carol.change("DELETE", "/v1/snapshots/" + s)
    for v in (a, b):
        world.carol.delete(v)
