#!/usr/bin/env python3
"""Kills a registry at random moments under load, and compares what is there afterwards with what it had acknowledged.

A round: start the server, have some clients work, kill it (SIGKILL) a random moment after the first acknowledgement, now
and then once more while it recovers, start it again, look at everything, have it stop in good order, and look at its
files and rows while nobody has them open.
"""

import argparse
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

from registry import Server
from soak import SoakWorker
from worker import Worker

# After so many rounds another folder is begun, so that a round takes as long at the end as at the beginning.
ROUNDS_IN_A_FOLDER = 5
# In seconds. Most moments are within what one push takes; some come when much is there.
SHORT_DELAY, LONG_DELAY = 0.1, 1.0
# A start takes about as long as this.
RECOVERY_DELAY = 0.4


def load(server, workers, kill_after):
    """Has all workers work until the server is killed, and returns how much was acknowledged."""
    is_over, has_begun, failures = threading.Event(), threading.Event(), []
    before = sum(worker.acknowledged for worker in workers)

    def work(worker):
        try:
            worker.run(server.port, is_over.is_set, has_begun.set)
        except BaseException as failure:  # whatever it was, the round has failed
            failures.append((worker, failure))
            has_begun.set()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    has_begun.wait()
    # Not to wait for anything: the moment is what is tried.
    time.sleep(kill_after)
    is_over.set()
    server.kill()
    for thread in threads:
        thread.join()
    for worker, failure in failures:
        raise AssertionError(f"{worker.repository.name}, {worker.pending}: {failure!r}\n{server.messages()}") from failure
    return sum(worker.acknowledged for worker in workers) - before


def check_at_rest(storage, workers):
    """Looks at files and rows of a folder that nobody has open."""
    placed = {
        f"{folder.name}:{file.name}" for folder in (storage / "blobs").iterdir() for file in folder.iterdir()
    }
    database = sqlite3.connect(f"file:{storage / 'berth.db'}?immutable=1", uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("SELECT value FROM store WHERE key = 'open'").fetchall() == []
        rows = dict(database.execute("SELECT digest, size FROM blob WHERE state = 0"))
        assert database.execute("SELECT count(*) FROM blob WHERE synced = 0").fetchone() == (0,)
    finally:
        database.close()
    assert placed == set(rows), f"files without rows: {placed - set(rows)}, rows without: {set(rows) - placed}"
    for digest, size in rows.items():
        assert (storage / "blobs" / digest.replace(":", "/")).stat().st_size == size, f"{digest} has another size"
    names = {file.name for file in (storage / "uploads").iterdir()}
    headers = {name for name in names if name.endswith(".json")}
    assert names - headers == {name.removesuffix(".json") for name in headers}, f"stray uploads: {names}"
    known = {session.rsplit("/", 1)[1] for worker in workers for session in worker.sessions}
    assert known <= names - headers, f"lost uploads: {known - names}"
    left = {file.name for file in storage.iterdir()} - {"blobs", "uploads", "berth.db", "berth.lock", "berth.reserve"}
    assert not left, f"stray files: {left}"


def round_of(program, storage, workers, generator, environment):
    """One round; returns how much was acknowledged, and how often the server was killed."""
    server = Server(program, str(storage), environment=environment).wait_until_it_listens()
    delay = generator.uniform(0, SHORT_DELAY if generator.random() < 0.5 else LONG_DELAY)
    acknowledged = load(server, workers, delay)
    kills = 1
    while generator.random() < 0.25:
        server = Server(program, str(storage), environment=environment)
        time.sleep(generator.uniform(0, RECOVERY_DELAY))
        server.kill()
        kills += 1
    server = Server(program, str(storage), environment=environment).wait_until_it_listens()
    try:
        for worker in workers:
            worker.check(server.port)
    except BaseException:
        sys.stderr.write(server.messages())
        server.kill()
        raise
    server.stop()
    check_at_rest(storage, workers)
    return acknowledged, kills


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the built berth")
    parser.add_argument("--executable", required=True, help="a static program, to be packaged")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--grace", type=float, help="collect what nothing refers to after so many seconds, while it runs")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    generator, executable = random.Random(seed), pathlib.Path(options.executable).read_bytes()
    acknowledged = kills = 0
    environment = None if options.grace is None else {"BERTH_GARBAGE_GRACE": f"{int(options.grace * 1000)}ms"}
    storage, workers, start = None, [], time.monotonic()
    for number in range(options.rounds):
        if number % ROUNDS_IN_A_FOLDER == 0:
            if storage:
                shutil.rmtree(storage)
            storage = pathlib.Path(tempfile.mkdtemp(prefix="berth-kill-"))
            workers = [
                Worker(client, generator.random(), executable) if options.grace is None
                else SoakWorker(client, generator.random(), executable, grace=options.grace)
                for client in range(options.clients)
            ]
        try:
            more, times = round_of(options.program, storage, workers, generator, environment)
        except BaseException:
            print(f"round {number} of seed {seed} failed; its folder is {storage}", file=sys.stderr)
            raise
        acknowledged, kills = acknowledged + more, kills + times
        if number % 50 == 49:
            print(f"{number + 1} rounds, {kills} kills, {acknowledged} acknowledgements", flush=True)
    shutil.rmtree(storage)
    print(
        f"{options.rounds} rounds, {kills} kills, {acknowledged} acknowledgements, nothing lost,"
        f" {time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
