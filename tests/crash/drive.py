"""Crashes one kind of operation at every place it passes, and judges what a restart makes of it."""
import uuid

from service import Broken, Lost, require

FAILURES = (Broken, Lost, AssertionError, RuntimeError)


class Driver:
    def __init__(self, world, report):
        self.world, self.report = world, report
        self.service, self.truth = world.service, world.truth
        self.count = 0
        self.slowest = 0.0
        self.crashes = self.acknowledged = 0

    def tag(self):
        self.count += 1
        return f"c{self.count:04}"

    def run(self, case):
        """Expects a running vbsd, and leaves one."""
        points = []
        self.guarded(case, "without a crash", lambda: points.extend(self.points(case)))
        for point in points:
            self.guarded(case, point, lambda at=point: self.crash(case, [at]))
        # A second and a third crash while the first one is being mended: at the first place that the resumed operation
        # passes, and at the one where it died before.
        for ran in [p for p in points if p.endswith("ran")][-1:]:
            first = ran[:-len("ran")] + "before"
            again = [ran, first, ran]
            self.guarded(case, ", then ".join(again), lambda: self.crash(case, again))
        try:
            case.finish()
        except FAILURES as error:
            self.report.result(case.title, "its end", error)

    def run_pair(self, pair):
        for point in pair.points:
            self.guarded(pair, point, lambda at=point: pair.crash(self.service, self.tag(), at))

    def guarded(self, case, title, what):
        error = None
        try:
            what()
        except FAILURES as e:
            error = e
        self.report.result(case.title, title, error)
        if error:
            self.recover()

    def recover(self):
        """After a failure: whatever runs is ended, so that the next case has a vbsd."""
        if self.service.process and self.service.process.poll() is None:
            self.service.process.kill()
            self.service.process.wait()
        self.service.live_on()
        self.service.start()

    def points(self, case):
        """The places that the operation passes, in order, from a run without a crash."""
        target = case.prepare(self.tag())
        self.service.places_passed()
        self.request(target, str(uuid.uuid4()), wait=60)
        points = self.service.places_passed()
        case.done(target)
        self.truth.check()
        require(len(points) > 3 and len(set(points)) == len(points), f"the trace names {points}")
        require(all(p.startswith(case.kind + ".") for p in points), f"the trace names {points}")
        require(any(".undo_" in p or ".end." in p for p in points) == case.fails, f"the trace names {points}")
        case.clean(target)
        return points

    def request(self, target, key, wait=0):
        status, document = self.world.alice.request(*target.request, key=key, wait=wait)
        require(status == 202, f"the request was answered {status}: {document}")
        return document["operation"] if "operation" in document else document["operations"][0]

    def crash(self, case, points):
        """The request is made, vbsd dies at points[0], what starts then at the next one; the last has to agree."""
        target = case.prepare(self.tag())
        key = str(uuid.uuid4())
        before = self.truth.last_operation()
        self.service.die_at(points[0])
        try:
            promised = self.request(target, key)
        except Lost:
            promised = None
        self.service.must_die(points[0])
        self.crashes += len(points)
        self.acknowledged += promised is not None
        for point in points[1:]:
            self.service.die_at(point)
            self.service.start(must_answer=False)
            self.service.must_die(point)
        self.service.live_on()
        self.service.start()
        self.slowest = max(self.slowest, self.service.wait_for_agreement(self.world.operator))
        journalled = self.truth.operations_since(before)
        if points[0].endswith(".admit.before_commit"):
            require(not promised, "a request was acknowledged before it was on disk")
            require(not journalled, f"the journal has what was never committed: {journalled}")
            case.absent(target)
            self.truth.check()
        else:
            self.journal_says(case, journalled, promised)
            case.done(target)
            self.truth.check()
        self.repeat(case, target, key, before)
        case.clean(target)

    def journal_says(self, case, journalled, promised):
        require(len(journalled) == 1, f"one operation was asked for, the journal has {journalled}")
        o = journalled[0]
        require(not promised or promised["id"] == o["id"], f"{promised} was acknowledged, {o} is in the journal")
        require(o["kind"] == case.kind and o["state"] == ("failed" if case.fails else "done"), f"the journal says {o}")

    def repeat(self, case, target, key, before):
        """A client that got no answer asks again with its key: the same operation, however the first request ended."""
        again = self.request(target, key, wait=60)
        journalled = self.truth.operations_since(before)
        self.journal_says(case, journalled, again)
        case.done(target)
