"""Tests are generators' items or functions: each has a sentence and something to call; this counts how they end."""
import inspect
import os
import time
import traceback


class Skip(Exception):
    """The test cannot run here; the text says what to install or who to be."""


class Unexpected(AssertionError):
    """An answer that is not what the sentence says."""


def check(condition, words):
    if not condition:
        raise Unexpected(words)


def equal(have, want, what):
    check(have == want, f"{what}: {have!r}, expected {want!r}")


class Suite:
    def __init__(self, words):
        self.words = words
        self.passed = self.failed = self.skipped = 0

    def run(self, module, world):
        """Runs module.tests(world), which yields (sentence, callable). A crash of the generator itself is a failure."""
        try:
            for sentence, call in module.tests(world):
                self.one(sentence, call)
        except Exception:
            self.failed += 1
            print(f"FAIL {module.__name__} broke off\n{traceback.format_exc()}", flush=True)

    def one(self, sentence, call):
        if self.words and not any(w in sentence for w in self.words):
            return
        begin = time.monotonic()
        try:
            call()
        except Skip as e:
            self.absent(sentence, str(e))
        except Exception as e:
            self.failed += 1
            where = "" if isinstance(e, Unexpected) else traceback.format_exc()
            print(f"FAIL {sentence}\n     {e}\n{where}", flush=True)
        else:
            self.passed += 1
            seconds = time.monotonic() - begin
            print(f"ok   {sentence}" + (f" ({seconds:.1f} s)" if seconds > 1 else ""), flush=True)

    def absent(self, sentence, why):
        if os.environ.get("CI"):
            self.failed += 1
            print(f"FAIL {sentence}\n     cannot run here, and CI is set: {why}", flush=True)
        else:
            self.skipped += 1
            print(f"SKIP {sentence}: {why}", flush=True)

    def summary(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def tests_of(module_globals, world):
    """(sentence, callable) of each function whose name begins with test_, in order; the sentence is its docstring."""
    for name, function in list(module_globals.items()):
        if name.startswith("test_") and inspect.isfunction(function):
            yield " ".join(function.__doc__.split()), lambda f=function: f(world)
