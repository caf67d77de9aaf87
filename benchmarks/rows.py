"""The rows of the table: what is asked of each server, and what is counted.

All servers of a row run at once and are asked in turn, round by round, so that whatever else the machine does falls on all
alike. The first round warms them up, and does not count.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import time
import zlib

import plans
from harness import MIB, digest
from peers import REPOSITORY, Berth, DockerRegistry, Nginx, Sink
from plans import request, task

GIGA = 1e9


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number of a row."""

    title: str
    # us, ms or s, MB, or 1/s, where more is better.
    unit: str
    # What Berth is to reach, in that unit.
    goal: float | None = None
    # What Berth is to reach as a multiple of the limit, or of docker-registry's.
    times_limit: float | None = None
    times_peer: float | None = None
    # What the limit is, where it is not nginx.
    limit: str = "nginx"

    @property
    def more_is_better(self):
        return self.unit == "1/s"


class Setting:
    """What a run is made with."""

    def __init__(self, arguments, folder, driver):
        self.programs = [("Berth", arguments.berth)]
        if arguments.against:
            self.programs.append(("before", arguments.against))
        self.environment = dict(variable.split("=", 1) for variable in arguments.set)
        self.folder, self.driver_program = pathlib.Path(folder), driver
        self.sink_program = arguments.sink
        self.quick, self.rounds = arguments.quick, 1 if arguments.quick else max(5, arguments.rounds)
        self.executable = arguments.executable
        # How long each server is asked in each round.
        self.seconds = 0.2 if arguments.quick else 1.0
        self.number = 0
        self.large_content = None

    def new_folder(self):
        self.number += 1
        folder = self.folder / str(self.number)
        folder.mkdir()
        return folder

    def peers(self, folder, nginx, docker_registry=True):
        made = [Berth(folder / name, program, name, self.environment) for name, program in self.programs]
        if docker_registry:
            made.append(DockerRegistry(folder / "docker-registry"))
        return made + ([Nginx(folder / "nginx")] if nginx else [])

    def content(self):
        """A file whose bytes large blobs begin with."""
        if self.large_content is None:
            size = (16 if self.quick else 128) * MIB
            self.large_content = plans.LargeContent(self.folder / "content", size)
        return self.large_content


class Row:
    """Results are lists, one value a round, by figure and by server."""

    name = ""
    figures = {}
    nginx, docker_registry = False, True

    def __init__(self, setting):
        self.setting = setting
        self.results = {key: {} for key in self.figures}
        # How much of a core the driver took where the server took most of its time.
        self.driver_shares = []

    def add(self, figure, column, value):
        self.results[figure].setdefault(column, []).append(value)

    def run(self):
        folder = self.setting.new_folder()
        try:
            with contextlib.ExitStack() as stack:
                peers = [
                    stack.enter_context(peer) for peer in self.setting.peers(folder, self.nginx, self.docker_registry)
                ]
                self.driver = plans.Driver(self.setting.driver_program, folder, self.shared_content())
                for peer in peers:
                    self.prepare(peer)
                for peer in peers:
                    self.round(peer, counts=False)
                for turn in range(self.setting.rounds):
                    for peer in peers if turn % 2 else reversed(peers):
                        self.round(peer, counts=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def shared_content(self):
        return None

    def prepare(self, peer):
        pass

    def round(self, peer, counts):
        raise NotImplementedError


class Read(Row):
    """One request again and again; as often as takes a second."""

    nginx = True
    connections = 32
    method, body_size = "GET", None

    def run(self):
        self.paths, self.times = {}, {}
        super().run()

    def prepare(self, peer):
        contents = plans.Contents()
        # The manifest of an image of five layers, about as long as most.
        blobs = [contents.configuration(1024), contents.bytes(16 * 1024), *(contents.bytes(512) for _ in range(4))]
        named = [(peer.push_blob(blob), len(blob)) for blob in blobs]
        manifest = contents.manifest(named[0], named[1:])
        peer.push_manifest("v1", manifest)
        self.paths[peer] = self.path(peer, named[1][0])
        self.check(peer, manifest, blobs[1])

    def check(self, peer, manifest, blob):
        """That what is read is what was pushed."""
        connection = peer.connect()
        connection.request("GET", self.paths[peer], headers={"Accept": plans.ACCEPT})
        content = connection.getresponse().read()
        if content not in (manifest, blob):
            raise SystemExit(f"{peer.name} does not give back what was pushed")
        connection.close()
        self.length = len(content)

    def round(self, peer, counts):
        times = self.times.get(peer, 40 if self.setting.quick else 200)
        told = self.driver.run(peer, self.connections, [task([request(self.method, self.paths[peer], 200)], times)])
        if told["bytes"] != (0 if self.method == "HEAD" else times * self.length):
            raise SystemExit(f"{peer.name} sent {told['bytes']} bytes")
        if counts:
            self.add("cpu", peer.name, told["processor"] / times * 1e6)
            self.driver_shares.append((peer.name, told["driver_cpu"] / told["seconds"]))
        else:
            self.times[peer] = max(50, min(200_000, int(times / told["seconds"] * self.setting.seconds)))


class ManifestRead(Read):
    name = "manifest-get"
    figures = {"cpu": Figure("manifest GET by tag, 32 connections", "us", goal=20, times_limit=1.5)}

    def path(self, peer, blob):
        return f"/v2/{REPOSITORY}/manifests/v1"


class BlobHead(Read):
    name = "blob-head"
    figures = {"cpu": Figure("blob HEAD, 32 connections", "us", goal=20)}
    method = "HEAD"

    def path(self, peer, blob):
        return f"/v2/{REPOSITORY}/blobs/{blob}"


class SmallBlobRead(BlobHead):
    name = "blob-get-16k"
    figures = {"cpu": Figure("blob GET 16 KiB, 32 connections", "us", goal=30)}
    method = "GET"


class LargeBlobRead(Row):
    name = "blob-get-256m"
    figures = {"cpu": Figure("blob GET 256 MiB, 8 at once, per GB", "s", goal=0.19, times_limit=1)}
    nginx = True
    size, tasks = 256 * MIB, 8

    def run(self):
        self.paths = {}
        if self.setting.quick:
            self.size = 32 * MIB
        super().run()

    def prepare(self, peer):
        path = self.setting.folder / "large"
        if not path.exists():
            plans.LargeContent(path, self.size)
        self.paths[peer] = f"/v2/{REPOSITORY}/blobs/{peer.push_blob(path)}"

    def round(self, peer, counts):
        told = self.driver.run(peer, 8, [task([request("GET", self.paths[peer], 200)], self.tasks)])
        if told["bytes"] != self.tasks * self.size:
            raise SystemExit(f"{peer.name} sent {told['bytes']} bytes")
        if counts:
            self.add("cpu", peer.name, told["processor"] / (told["bytes"] / GIGA))
            self.driver_shares.append((peer.name, told["driver_cpu"] / told["seconds"]))


class Page(Row):
    """A page from the middle of a list of tags."""

    size = 0

    def run(self):
        self.times = {}
        if self.setting.quick:
            self.size = min(self.size, 20_000)
        super().run()

    def prepare(self, peer):
        contents = plans.Contents()
        config, layer = contents.configuration(1024), contents.bytes(512)
        named = [(peer.push_blob(blob), len(blob)) for blob in (config, layer)]
        peer.push_manifest("v1", contents.manifest(named[0], named[1:]))
        peer.add_tags(self.size)

    def round(self, peer, counts):
        times = self.times.get(peer, 4)
        path = f"/v2/{REPOSITORY}/tags/list?n=100&last=t{self.size // 2:07d}"
        told = self.driver.run(peer, 8, [task([request("GET", path, 200)], times)])
        if counts:
            self.add("cpu", peer.name, told["processor"] / times * 1e3)
        else:
            self.times[peer] = max(4, min(20_000, int(times / told["seconds"] * self.setting.seconds)))


class SmallPage(Page):
    name = "page-2000"
    figures = {"cpu": Figure("page of 100 tags, in 2,000", "ms", goal=0.15)}
    size = 2000


class MiddlePage(Page):
    name = "page-100000"
    figures = {"cpu": Figure("page of 100 tags, in 100,000", "ms", goal=0.15)}
    size = 100_000


class LargePage(Page):
    """docker-registry, which reads the names of all, would have three million files to be made and removed."""

    docker_registry = False
    name = "page-1000000"
    figures = {"cpu": Figure("page of 100 tags, in 1,000,000", "ms", goal=0.15)}
    size = 1_000_000


class Write(Row):
    """Each round pushes what nobody has; nothing of the last one waits for the disk when it begins."""

    def run(self):
        self.turns = {}
        super().run()

    def prepare(self, peer):
        peer.push_blob(plans.EMPTY)
        self.turns[peer] = 0

    def next_turn(self, peer):
        """The number of the round, as all servers get the same."""
        os.sync()
        self.turns[peer] += 1
        return self.turns[peer]


class BlobPush(Write):
    """With the manifest that makes it durable."""

    name = "blob-push"
    figures = {
        "cpu": Figure("blob push, 8 × 128 MiB at once, durable, per GB", "s", goal=1.25, limit="receive, write, SHA-256"),
        "rate": Figure("blob push, MB in a second", "1/s"),
    }

    def shared_content(self):
        return self.setting.content().path

    def run(self):
        with Sink(self.setting.new_folder(), self.setting.sink_program) as self.sink:
            super().run()

    def round(self, peer, counts):
        turn, content = self.next_turn(peer), self.setting.content()
        tasks = []
        for number in range(8):
            tail = f"{turn:08d}{number:08d}".encode()
            blob = content.blob(tail)
            manifest = plans.Contents().manifest((digest(plans.EMPTY), len(plans.EMPTY)), [blob])
            requests = plans.push_blob_requests(blob[0], tail, content.size)
            tasks.append(task(requests + [plans.push_manifest_request(f"b{turn}-{number}", manifest)]))
        told = self.driver.run(peer, 8, tasks)
        size = 8 * (content.size + 16)
        if counts:
            self.add("cpu", peer.name, told["processor"] / (size / GIGA))
            self.add("rate", peer.name, size / 1e6 / told["seconds"])
            self.driver_shares.append((peer.name, told["driver_cpu"] / told["seconds"]))
            # Once a round, and just as the servers: what new pages of memory cost differs from minute to minute.
            if peer.name == "Berth":
                self.add("cpu", "limit", self.limit(content))

    def limit(self, content):
        """What no registry can do without: receiving, writing and flushing, without looking, and hashing."""
        os.sync()
        told = self.driver.run(self.sink, 8, [task([request("PUT", "/", 201, b"0" * 16, content.size)])] * 8)
        written = told["processor"] / (8 * (content.size + 16) / GIGA)
        portion, hasher, before = bytes(MIB), hashlib.sha256(), time.process_time()
        for _ in range(128):
            hasher.update(portion)
        return written + (time.process_time() - before) / (128 * MIB / GIGA)


class ImagePush(Write):
    name = "image-push"
    figures = {
        "cpu": Figure("push of an image of 3 × 4 KiB, 8 at once, durable", "ms", goal=2),
        "rate": Figure("push of such images, in a second", "1/s", times_peer=4),
    }

    def run(self):
        self.contents = {}
        super().run()

    def prepare(self, peer):
        super().prepare(peer)
        self.contents[peer] = plans.Contents()

    def round(self, peer, counts):
        turn, count = self.next_turn(peer), 16 if self.setting.quick else 96
        tasks = [plans.image_task(self.contents[peer], f"i{turn}-{number}", 4096) for number in range(count)]
        told = self.driver.run(peer, 8, tasks)
        if counts:
            self.add("cpu", peer.name, told["processor"] / count * 1e3)
            self.add("rate", peer.name, count / told["seconds"])


class TagPut(Write):
    """One client, one tag after the other, each a manifest that is there."""

    name = "tag-put"
    figures = {"cpu": Figure("tag PUT", "ms", goal=0.4), "wall": Figure("tag PUT, until the reply", "ms")}

    def prepare(self, peer):
        super().prepare(peer)
        contents = plans.Contents()
        self.manifest = contents.manifest(*self.pushed(peer, contents))
        peer.push_manifest("v1", self.manifest)

    def pushed(self, peer, contents):
        blobs = [contents.configuration(1024), contents.bytes(512)]
        named = [(peer.push_blob(blob), len(blob)) for blob in blobs]
        return named[0], named[1:]

    def round(self, peer, counts):
        turn, count = self.next_turn(peer), 16 if self.setting.quick else 200
        tasks = [task([plans.push_manifest_request(f"p{turn}-{number}", self.manifest)]) for number in range(count)]
        told = self.driver.run(peer, 1, tasks)
        if counts:
            self.add("cpu", peer.name, told["processor"] / count * 1e3)
            self.add("wall", peer.name, told["p50"] * 1e3)


class Start(Row):
    """Starts on a folder that was left in order, and what the server has in memory when nothing was asked of it yet."""

    name = "start"
    figures = {
        "wall": Figure("listening after start", "ms", goal=50),
        "cpu": Figure("start, processor time", "ms"),
        "memory": Figure("idle memory", "MB", goal=30),
    }

    def run(self):
        folder = self.setting.new_folder()
        try:
            peers = self.setting.peers(folder, nginx=False)
            for peer in peers:
                with peer:
                    peer.push_blob(plans.EMPTY)
            for turn in range(self.setting.rounds):
                for peer in peers if turn % 2 else reversed(peers):
                    self.round(peer, True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def round(self, peer, counts):
        try:
            wall, processor = peer.start()
            # Whatever goes on behind the start has its time.
            time.sleep(1)
            self.add("wall", peer.name, wall * 1e3)
            self.add("cpu", peer.name, processor * 1e3)
            self.add("memory", peer.name, peer.resident() / 1e6)
        finally:
            peer.stop()


class Version(Row):
    name = "version"
    figures = {"wall": Figure("`berth --version`", "ms", goal=20)}

    def run(self):
        peers = self.setting.peers(self.setting.new_folder(), nginx=False)
        for _ in range(self.setting.rounds * 4):
            for peer in peers:
                began = time.monotonic()
                subprocess.run(
                    peer.version_command(),
                    check=True,
                    capture_output=True,
                    env=os.environ | {"PATH": os.defpath + ":/usr/sbin"},
                )
                self.add("wall", peer.name, (time.monotonic() - began) * 1e3)


class Upload(Row):
    """An executable that becomes an image, each time another."""

    name = "upload"

    def __init__(self, setting):
        size = os.path.getsize(setting.executable) / 1e6
        title = f"`curl -T` of a {size:.0f} MB Go binary, reply in hand"
        # The limits that are known are of a binary of this size.
        goal = 170 if 35 < size < 40 else None
        self.figures = {
            "wall": Figure(title, "ms", goal=goal, limit="`compress=none`"),
            "cpu": Figure("the same upload, processor time", "ms", limit="`compress=none`"),
            "zlib": Figure("zlib level 6 of that binary, on one core", "ms", limit="zlib"),
        }
        super().__init__(setting)

    def run(self):
        content = pathlib.Path(self.setting.executable).read_bytes()
        folder = self.setting.new_folder()
        try:
            with contextlib.ExitStack() as stack:
                peers = [
                    stack.enter_context(peer) for peer in self.setting.peers(folder, nginx=False, docker_registry=False)
                ]
                for turn in range(-1, self.setting.rounds):
                    for peer in peers:
                        self.upload(peer, content, "", peer.name, turn)
                    self.upload(peers[0], content, "?compress=none", "limit", turn)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        before = time.process_time()
        zlib.compress(content, 6)
        self.add("zlib", "limit", (time.process_time() - before) * 1e3)

    def upload(self, peer, content, options, column, turn):
        path = peer.folder / "program"
        path.write_bytes(content + f"{column}{turn}".encode())
        os.sync()
        before, began = peer.processor(), time.monotonic()
        subprocess.run(
            ["curl", "-sSf", "-T", path, f"http://localhost:{peer.port}/large/program{options}"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        if turn >= 0:
            self.add("wall", column, (time.monotonic() - began) * 1e3)
            self.add("cpu", column, (peer.processor() - before) * 1e3)


ROWS = [
    ManifestRead,
    BlobHead,
    SmallBlobRead,
    LargeBlobRead,
    BlobPush,
    ImagePush,
    TagPut,
    SmallPage,
    MiddlePage,
    LargePage,
    Start,
    Version,
    Upload,
]
