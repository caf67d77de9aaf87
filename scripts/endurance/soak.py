#!/usr/bin/env python3
"""Runs a mixed load against a registry for some minutes, and says whether its memory, files and database stay flat.

Clients push, pull, upload in parts and as executables, move tags, delete and list, and check every byte that they get;
what is deleted is collected after some seconds, and `berth list` and, where there is one, `berth gc` are given beside.
The exit status is 0 if nothing failed and everything was flat.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from registry import Server, references
from worker import Worker

# What is measured in this part of the time, at the beginning, is not compared: caches fill, threads begin.
WARM_UP = 0.25
SAMPLES = 120
GRACE_SECONDS = 20
# So many things a second are done by each client at most: a soak is long, not hard.
RATE = 10
COMMAND_SECONDS = 15

# name: what it may be more by in the last third than in the first, as a part of that and besides.
METRICS = {
    "resident memory, KiB": (0.10, 8 * 1024),
    "open files": (0.05, 4),
    "threads": (0.05, 2),
    "database, KiB": (0.10, 512),
    "log, KiB": (0.10, 4 * 1024 + 128),
    "blobs, KiB": (0.25, 4 * 1024),
    "upload sessions": (0.25, 4),
}


class Sampler:
    """Looks at the server's process and folder."""

    def __init__(self, server, storage):
        self.process = pathlib.Path("/proc") / str(server.process.pid)
        self.storage = storage
        self.samples = []

    def sample(self):
        status = dict(
            line.split(":", 1) for line in (self.process / "status").read_text().splitlines() if ":" in line
        )
        self.samples.append({
            "resident memory, KiB": int(status["VmRSS"].split()[0]),
            "open files": len(list((self.process / "fd").iterdir())),
            "threads": int(status["Threads"]),
            "database, KiB": self.size("berth.db"),
            "log, KiB": self.size("berth.db-wal"),
            "blobs, KiB": sum(self.sizes(self.storage / "blobs")) // 1024,
            "upload sessions": len(list((self.storage / "uploads").glob("*.json"))),
        })

    def size(self, name):
        try:
            return (self.storage / name).stat().st_size // 1024
        except FileNotFoundError:
            return 0

    @staticmethod
    def sizes(folder):
        for file in folder.rglob("*"):
            try:
                yield file.stat().st_size
            except FileNotFoundError:
                pass  # It was deleted since.

    def report(self):
        """Prints a line a metric, and returns whether all are flat."""
        samples = self.samples[int(len(self.samples) * WARM_UP):]
        third = max(len(samples) // 3, 1)
        parts = [samples[:third], samples[third:2 * third], samples[2 * third:]]
        print(f"{'':24}{'first third':>14}{'second':>12}{'last':>12}{'peak':>12}")
        all_flat = True
        for name, (part, besides) in METRICS.items():
            means = [sum(sample[name] for sample in some) / len(some) for some in parts if some]
            is_flat = means[-1] <= means[0] * (1 + part) + besides
            all_flat = all_flat and is_flat
            peak = max(sample[name] for sample in self.samples)
            print(
                f"{name:24}{means[0]:14.0f}{means[len(means) // 2]:12.0f}{means[-1]:12.0f}{peak:12.0f}"
                f"   {'flat' if is_flat else 'GROWS'}"
            )
        return all_flat


class SoakWorker(Worker):
    """A worker that also pulls and lists, and takes its time."""

    def step(self):
        start = time.monotonic()
        if self.random.random() < 0.4:
            self.random.choice([self.pull, self.pull, self.pull_packaged, self.list])()
        else:
            super().step()
        time.sleep(max(1 / RATE - (time.monotonic() - start), 0))

    def push_image(self):
        super().push_image()
        self.forget_unreferenced()

    def forget_unreferenced(self):
        """What nothing refers to is collected after a while: only what is referred to is known to be there."""
        used = self.repository.referenced()
        self.repository.blobs = {digest: content for digest, content in self.repository.blobs.items() if digest in used}
        self.repository.gone.clear()
        self.cancelled.clear()

    def delete_manifest(self):
        super().delete_manifest()
        self.forget_unreferenced()

    def pull(self):
        self.pull_from(self.repository)

    def pull_packaged(self):
        self.pull_from(self.packaged)

    def pull_from(self, repository):
        if not repository.tags:
            return
        tag = self.random.choice(sorted(repository.tags))
        manifest = self.client.manifest(repository.name, tag)
        assert manifest == repository.manifests[repository.tags[tag]], f"{repository.name}:{tag} is another"
        for digest in references(manifest) - set(repository.manifests):
            assert self.client.blob(repository.name, digest) is not None, f"{digest} of an image is not there"

    def list(self):
        tags = self.client.tags(self.repository.name)
        assert tags == sorted(self.repository.tags), f"{tags} are not {sorted(self.repository.tags)}"
        self.client.expect((200,), "GET", "/v2/_catalog")

    def has_published(self, repository, manifest, tag):
        super().has_published(repository, manifest, tag)
        if repository is self.packaged:
            # An image that has lost its tags may go by itself.
            tagged = set(repository.tags.values())
            repository.manifests = {
                digest: bytes for digest, bytes in repository.manifests.items() if digest in tagged
            }


def commands(options, storage, is_over, failures):
    """Gives commands beside the server."""
    given = [["list"], ["uploads"]]
    help_text = subprocess.run([options.program, "--help"], capture_output=True, text=True, check=True).stdout
    if any(line.split()[:1] == ["gc"] for line in help_text.splitlines()):
        given.append(["gc"])
    while not is_over.wait(COMMAND_SECONDS):
        for command in given:
            outcome = subprocess.run(
                [options.program, *command, "--storage", str(storage)], capture_output=True, text=True, timeout=120
            )
            if outcome.returncode != 0:
                failures.append(f"berth {' '.join(command)}: {outcome.returncode} {outcome.stderr}")


def soak(options, server, storage, seed):
    """Returns the sampler, how much was acknowledged, and what failed."""
    executable = pathlib.Path(options.executable).read_bytes()
    workers = [SoakWorker(number, seed, executable, grace=GRACE_SECONDS) for number in range(options.clients)]
    is_over, failures, sampler = threading.Event(), [], Sampler(server, storage)

    def work(worker):
        while not is_over.is_set():
            try:
                worker.run(server.port, is_over.is_set)
            except BaseException as failure:
                failures.append(f"{worker.repository.name}, {worker.pending}: {failure!r}")
                return

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    threads.append(threading.Thread(target=commands, args=(options, storage, is_over, failures)))
    for thread in threads:
        thread.start()
    interval = options.minutes * 60 / SAMPLES
    start = time.monotonic()
    for number in range(SAMPLES):
        is_over.wait(max(start + (number + 1) * interval - time.monotonic(), 0))
        if server.process.poll() is not None or len(failures) >= len(threads):
            break
        sampler.sample()
        if number % 10 == 9:
            done = sum(worker.acknowledged for worker in workers)
            now = sampler.samples[-1]
            print(f"{(number + 1) * interval / 60:6.1f} min  {done:8} done  "
                  + "  ".join(f"{name} {now[name]}" for name in METRICS), flush=True)
    is_over.set()
    for thread in threads:
        thread.join()
    for worker in workers:
        if not failures:
            worker.cancelled.clear()
            worker.check(server.port)
    return sampler, sum(worker.acknowledged for worker in workers), failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the built berth")
    parser.add_argument("--executable", required=True, help="a static program, to be packaged")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    storage = pathlib.Path(tempfile.mkdtemp(prefix="berth-soak-"))
    server = Server(options.program, str(storage), environment={
        "BERTH_GARBAGE_GRACE": f"{GRACE_SECONDS}s", "BERTH_LOG_LEVEL": "warning",
    }).wait_until_it_listens()
    try:
        sampler, done, failures = soak(options, server, storage, random.Random(seed).random())
        server.stop()
    except BaseException:
        sys.stderr.write(server.messages())
        server.kill()
        raise
    for failure in failures:
        print(f"FAILED: {failure}")
    is_flat = sampler.report()
    print(f"{done} requests of {options.clients} clients in {options.minutes:g} minutes, {len(failures)} errors")
    if failures or not is_flat:
        print(server.messages())
        sys.exit(1)
    shutil.rmtree(storage)


if __name__ == "__main__":
    main()
