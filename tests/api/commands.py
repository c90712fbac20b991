"""The command line `vbs` as a person runs it."""
import json
import subprocess

from suite import Unexpected, check

# Exit codes of vbs(1).
OK, FAILED, USAGE, UNREACHABLE, NOT_ALLOWED, NOT_FOUND, CONFLICT, UNKNOWN = range(8)


class Commands:
    def __init__(self, world):
        self.world = world

    def run(self, exit_code, *arguments, by="alice", words=(), hint="", environment=None):
        """Runs vbs; checks its exit code, that errors are on stderr as documented, and that all `words` are said."""
        env = {**self.world.cli_environment(by), **(environment or {})}
        ended = subprocess.run(
            [self.world.vbs, *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90
        )
        said = f"vbs {' '.join(arguments)} -> {ended.returncode}\n{ended.stdout}{ended.stderr}"
        check(ended.returncode == exit_code, f"{said}\nexpected {exit_code}")
        for word in words:
            check(str(word) in ended.stdout + ended.stderr, f"{said}\ndoes not say {word!r}")
        if exit_code == 0:
            check(not ended.stderr, f"{said}\nsays something on stderr")
        elif ended.stderr:
            check(ended.stderr.startswith("vbs: error: "), said)
        check(hint in ended.stderr, f"{said}\ngives no hint with {hint!r}")
        return ended.stdout

    def json(self, *arguments, by="alice", exit_code=0):
        out = self.run(exit_code, "--json", *arguments, by=by)
        try:
            return json.loads(out)
        except ValueError as e:
            raise Unexpected(f"vbs --json {' '.join(arguments)}: {e}: {out[:300]!r}") from e
