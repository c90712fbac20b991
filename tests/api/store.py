"""What a refused request must leave as it was: every row of the store, every file of the back-end."""
import hashlib
import os
import sqlite3
import time


class Store:
    def __init__(self, world):
        self.database = f"file:{world.data}/vbs.db?mode=ro"
        self.volumes = world.volumes

    def query(self, sql, *values):
        db = sqlite3.connect(self.database, uri=True, timeout=10)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def rows(self):
        """Table -> (number of rows, digest of their content), of one moment."""
        db = sqlite3.connect(self.database, uri=True, timeout=10)
        try:
            db.execute("BEGIN")
            tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            out = {}
            for table in tables:
                rows = sorted(map(repr, db.execute(f'SELECT * FROM "{table}"')))
                out[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
            return out
        finally:
            db.close()

    def files(self):
        found = []
        for directory, _, names in os.walk(self.volumes):
            for name in names:
                path = os.path.join(directory, name)
                found.append((os.path.relpath(path, self.volumes), os.path.getsize(path)))
        return sorted(found)

    def idle(self, seconds=60):
        """Waits until no operation runs."""
        end = time.monotonic() + seconds
        while self.query("SELECT 1 FROM operations WHERE state NOT IN ('done', 'failed')"):
            if time.monotonic() > end:
                raise TimeoutError(
                    f"operations still run: {self.query('SELECT kind, state, waits_for FROM operations')}"
                )
            time.sleep(0.05)

    def unchanged(self):
        return Unchanged(self)


class Unchanged:
    """with store.unchanged(): what happens inside changes no row and no file."""

    def __init__(self, store):
        self.store = store

    def __enter__(self):
        self.store.idle()
        self.before = self.store.rows(), self.store.files()

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        after = self.store.rows(), self.store.files()
        tables = [
            f"{t}: {self.before[0][t][0]} -> {after[0][t][0]} rows"
            for t in after[0]
            if after[0][t] != self.before[0].get(t)
        ]
        files = set(self.before[1]) ^ set(after[1])
        if tables or files:
            raise AssertionError(f"the request was refused, but it changed the store ({tables}) or files ({files})")
