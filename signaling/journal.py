"""The journal: an append-only table in SQLite of what happened, in order; written before anything acts.

One thread owns the database. `append` hands it records and waits until they are committed; what has gathered
while it wrote is committed together. It never waits for the disk itself (`synchronous=OFF`): another thread
brings the write-ahead log there once a second, and folds it into the database when it has grown. So a killed
process loses nothing, a power cut at most the last second, and a busy disk holds up neither. A second server
on one journal is refused.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from signaling.records import Record, decode, encode

SYNC_SECONDS = 1.0
RETRY_SECONDS = 1.0  # until what the disk has refused is tried again, if nothing else is written before
FOLD_OCTETS = 4 << 20  # of the write-ahead log
BUSY_SECONDS = 2.0  # for somebody who looks into the file while the show runs
# Past either limit the journal ends where it is, for one with a gap would mislead the next start.
MAX_WAITING = 1000  # batches that wait for a disk that does not answer
MAX_UNSAVED = 10_000  # records kept while the disk refuses them
MAX_HOLE = 20_000  # lines in a row that a damaged file may have lost, before it counts as read to its end

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)  # a full disk says the latter of the log's index
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, at REAL NOT NULL,
    person TEXT NOT NULL, id TEXT NOT NULL, command TEXT NOT NULL, facts TEXT NOT NULL
);
PRAGMA user_version = 1;
"""
_INSERT = "INSERT INTO journal (event, at, person, id, command, facts) VALUES (?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT at, person, id, command, facts FROM journal WHERE event = ? ORDER BY seq"
_ONE = "SELECT event, at, person, id, command, facts FROM journal WHERE seq = ?"

log = logging.getLogger(__name__)

_Done: TypeAlias = "asyncio.Future[None]"
_Row: TypeAlias = tuple[str, float, str, str, str, str]
_Batch: TypeAlias = tuple[list[_Row], _Done]


class JournalError(Exception):
    """The journal cannot be opened, or a batch cannot be written (it is tried again with the next)."""


class Journal:
    """`await open()`, then `append` as often as needed, then `await close()`.

    `damage` says after `open`, in a sentence for people, that the file was damaged and what could be saved.
    """

    def __init__(self, path: Path) -> None:
        self.damage = ""
        self._path = path
        self._event = ""
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = -1
        self._database: sqlite3.Connection | None = None
        self._unsaved: list[_Row] = []
        self._full = False

    async def open(self, event_id: str) -> list[Record]:
        """Everything that has happened to this event so far; from now on it is the one written of.

        Raises JournalError if another server uses the journal or the disk refuses. A damaged file is put
        aside under another name and a new one begun with all that can still be read of it, for the show must
        start; on a full disk, or while somebody else holds the file, it starts as well, and `append` fails
        until it can be written.
        """
        self._event = event_id
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[list[Record]] = loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(loop, opened), name="journal", daemon=True)
        self._thread.start()
        try:
            return await opened
        except JournalError:
            self._thread.join()  # it has nothing left to do but return
            self._thread = None
            raise

    async def append(self, records: Sequence[Record]) -> None:
        """Return when the records are committed. Raises JournalError if they could not be written now, or are
        of a kind that cannot be written at all."""
        rows = [self._row(record) for record in records]
        if self._queue.qsize() >= MAX_WAITING:
            self._full = True
            raise JournalError(f"{self._path}: the disk does not keep up")
        done: _Done = asyncio.get_running_loop().create_future()
        self._queue.put((rows, done))
        await done

    def _row(self, record: Record) -> _Row:
        row = (self._event, record.at, record.person, record.id, record.command, encode(record.facts))
        try:
            "".join(map(str, row)).encode()
        except UnicodeEncodeError as error:  # half a character, from a file's name: it would end the thread
            raise JournalError(f"{self._path}: {error}") from error
        return row

    async def close(self) -> None:
        """Write what is left and let the file go. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    # ---- in the journal's own thread

    def _run(self, loop: asyncio.AbstractEventLoop, opened: "asyncio.Future[list[Record]]") -> None:
        try:
            self._database, records = self._begin()
        except (JournalError, sqlite3.Error, OSError) as error:
            self._release()
            failure = error if isinstance(error, JournalError) else JournalError(f"{self._path}: {error}")
            _tell(loop, opened, failure)
            return
        _tell(loop, opened, None, records)
        try:
            self._serve(loop)
        finally:
            if self._database is not None:
                self._database.execute("PRAGMA synchronous = FULL")  # closing folds the log into the database
                self._database.close()
            self._release()

    def _begin(self) -> tuple[sqlite3.Connection | None, list[Record]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise JournalError(f"{self._path}: another server writes this journal") from error
        try:
            return self._load()
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (*_FULL, *_HELD):
                log.error("the journal cannot be written, the show begins without it: %s", error)
                return None, self._glance(alone=code in _FULL)
            if isinstance(error, sqlite3.OperationalError):
                raise  # the disk or the rights, not the file
            return self._renew(error)

    def _renew(self, damage: sqlite3.DatabaseError) -> tuple[sqlite3.Connection | None, list[Record]]:
        """Put the damaged file aside, and begin a new one with all of it that can still be read."""
        rows = self._salvage()
        aside = Path(f"{self._path}.damaged-{int(time.time())}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._path}{suffix}", f"{aside}{suffix}")
        log.error("the journal is damaged: %s; put aside as %s, %d lines saved", damage, aside, len(rows))
        self.damage = (
            f"The journal was damaged: {len(rows)} of its lines could be saved, what else had happened is "
            f"forgotten. The old file is kept as {aside.name}."
        )
        self._unsaved = list(rows)
        error = self._save()
        if error is not None:
            log.error("what was saved of the journal cannot be written: %s", error)
        own = (tuple(rest) for event, *rest in rows if event == self._event)
        return self._database, [record for row in own if (record := _record(row)) is not None]

    def _salvage(self) -> list[_Row]:
        """The lines of a damaged journal that can be read, each looked for by itself; nothing is written."""
        rows: list[_Row] = []
        seq = last = 0
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as damaged:
            while seq - last < MAX_HOLE:
                seq += 1
                with contextlib.suppress(sqlite3.DatabaseError):
                    row = damaged.execute(_ONE, (seq,)).fetchone()
                    if row is not None and _sound(row):
                        rows.append(row)
                        last = seq
        return rows

    def _glance(self, alone: bool) -> list[Record]:
        """What the journal holds, read without writing it: `alone`, not even the index of its log."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as database:
            if alone:
                database.execute("PRAGMA locking_mode = EXCLUSIVE")
            try:
                return self._records(database)
            except sqlite3.OperationalError:
                if self._path.stat().st_size:
                    raise
                return []  # it was never written

    def _records(self, database: sqlite3.Connection) -> list[Record]:
        rows = database.execute(_SELECT, (self._event,)).fetchall()
        return [record for row in rows if (record := _record(row)) is not None]

    def _load(self) -> tuple[sqlite3.Connection, list[Record]]:
        database = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            os.chmod(self._path, 0o600)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA wal_autocheckpoint = 0")
            database.executescript(_SCHEMA)
            return database, self._records(database)
        except BaseException:
            database.close()
            raise

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        syncer = _Syncer(self._path)
        syncer.start()
        try:
            batches: list[_Batch | None] = []
            while None not in batches:
                batches = self._next(RETRY_SECONDS if self._unsaved else None)
                given = [batch for batch in batches if batch is not None]
                self._unsaved.extend(row for rows, _ in given for row in rows)
                error = self._save() if self._unsaved or self._full else None
                for _, done in given:
                    _tell(loop, done, error)
                syncer.dirty.set()
        finally:
            syncer.stop()

    def _next(self, wait: float | None) -> list[_Batch | None]:
        """All that waits, once something does; nothing when that takes longer than `wait` seconds."""
        batches: list[_Batch | None] = []
        with contextlib.suppress(queue.Empty):
            batches.append(self._queue.get(timeout=wait))
            while True:
                batches.append(self._queue.get_nowait())
        return batches

    def _save(self) -> JournalError | None:
        if self._full:
            self._unsaved.clear()
            return JournalError(f"{self._path}: given up, for too much could not be written")
        try:
            if self._database is None:
                self._database, _ = self._load()  # there was no room when it was opened
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(_INSERT, self._unsaved)
            self._database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if self._database is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
            self._full = self._full or len(self._unsaved) > MAX_UNSAVED
            return JournalError(f"{self._path}: {error}")
        self._unsaved.clear()
        return None

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _sound(row: tuple[Any, ...]) -> bool:
    """Whether each value is of its column's kind, in a file that may hold anything."""
    return [type(value) for value in row] == [str, float, str, str, str, str]


def _record(row: tuple[Any, ...]) -> Record | None:
    at, person, id, command, facts = row
    try:
        return Record(at, decode(facts), person, id, command)
    except ValueError as error:
        log.error("a line of the journal cannot be read and is left out: %s", error)
        return None


class _Syncer(threading.Thread):
    """Brings what is committed to the disk, once in `SYNC_SECONDS`, so that no commit waits for the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="journal sync", daemon=True)
        self.dirty = threading.Event()
        self._path = path
        self._log = Path(f"{path}-wal")
        self._stopping = threading.Event()

    def run(self) -> None:
        # What an earlier run left. SQLite keeps the descriptor for the next time (a file's locks go when any
        # of its descriptors is closed), so a show has no more of them after hours than at its start.
        self._safely(self._fold)
        while self.dirty.is_set() or not self._stopping.is_set():
            self.dirty.wait()
            self.dirty.clear()
            self._safely(self._sync)
            self._stopping.wait(SYNC_SECONDS)

    def stop(self) -> None:
        """Sync for the last time and end."""
        self._stopping.set()
        self.dirty.set()
        self.join()

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, sqlite3.Error) as error:
            log.warning("the journal could not be brought to the disk: %s", error)

    def _sync(self) -> None:
        with contextlib.suppress(FileNotFoundError), self._log.open("rb") as file:
            os.fsync(file.fileno())
            grown = os.fstat(file.fileno()).st_size > FOLD_OCTETS
            if grown or self._stopping.is_set():
                self._fold()

    def _fold(self) -> None:
        """Write the log's pages to the database, synced; the writer then begins the log anew."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as database:
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    error: Exception | None,
    result: Any = None,
) -> None:
    def settle() -> None:
        if future.done():
            return  # whoever waited has been cancelled
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    with contextlib.suppress(RuntimeError):  # the loop has gone, and with it whoever waited
        loop.call_soon_threadsafe(settle)
