"""The servers that are compared: Berth, Debian's docker-registry, and nginx as the limit.

Each runs in a folder of its own, on a free port of the loopback, and is ended by its process id.
"""

import hashlib
import http.client
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

from harness import PATIENCE, digest, send

REPOSITORY = "bench/app"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Debian has some servers where only root's PATH leads.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def processor_seconds(pid):
    """User and system time of a process and all its threads, those that ended included, in nanoseconds.

    The identifier is that of clock_getcpuclockid(3), which Python has not.
    """
    return time.clock_gettime((~pid << 3) | 2)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Peer:
    """A server for the time of a `with`."""

    name = ""
    # How long a start may take, in seconds, and what is in the environment besides.
    start_limit, environment = 60, {}

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process, self.port, self.log = None, None, None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def command(self):
        raise NotImplementedError

    def start(self):
        """Returns the seconds until it accepted a connection, and its processor time till then."""
        self.port = free_port()
        command = self.command()
        self.log = open(self.folder / "log", "a")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("BERTH_", "REGISTRY_"))}
        began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            cwd=self.folder,
            env=environment | {"PATH": PATH} | self.environment,
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                break
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() - began > self.start_limit:
                    raise SystemExit(f"{self.name} did not start:\n" + (self.folder / "log").read_text()[-2000:])
                time.sleep(0.0005)
        return time.monotonic() - began, self.processor()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.log:
            self.log.close()

    def processes(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid] + [int(pid) for pid in children.split()]

    def processor(self):
        return sum(processor_seconds(pid) for pid in self.processes())

    def resident(self):
        """Bytes in memory."""
        pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.processes())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def version_command(self):
        raise NotImplementedError

    def push_blob(self, content):
        """Pushes bytes, or the file of a path, and returns the digest."""
        if isinstance(content, bytes):
            name, body = digest(content), content
        else:
            with open(content, "rb") as file:
                name = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
            body = open(content, "rb")
        connection = self.connect()
        reply, _ = send(connection, "POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"")
        location = reply.headers["Location"]
        mark = "&" if "?" in location else "?"
        length = {"Content-Length": str(len(body) if isinstance(body, bytes) else os.path.getsize(content))}
        send(connection, "PUT", f"{location}{mark}digest={name}", body, length)
        connection.close()
        return name

    def push_manifest(self, tag, content):
        connection = self.connect()
        send(connection, "PUT", f"/v2/{REPOSITORY}/manifests/{tag}", content, {"Content-Type": MANIFEST})
        connection.close()


class Berth(Peer):
    """Its defaults, the log of every request included."""

    name = "Berth"

    def __init__(self, folder, program, name="Berth", environment=None):
        super().__init__(folder)
        self.program, self.name, self.environment = os.path.abspath(program), name, environment or {}

    def command(self):
        storage = self.folder / "storage"
        return [self.program, "serve", "--port", str(self.port), "--storage", storage]

    def version_command(self):
        return [self.program, "--version"]

    def add_tags(self, count):
        """Tags like v1, until there are so many; a million pushes would take an hour."""
        self.stop()
        with sqlite3.connect(self.folder / "storage/berth.db") as database:
            database.execute(
                """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
                   INSERT INTO tag (repository_id, name, manifest_id, updated_at)
                   SELECT repository_id, printf('t%07d', i), manifest_id, updated_at FROM n, tag WHERE name = 'v1'""",
                {"count": count},
            )
        database.close()
        self.start()


class DockerRegistry(Peer):
    """Debian's, with the settings that its package comes with, but for the folder and the account."""

    name = "docker-registry"

    def command(self):
        configuration = self.folder / "config.yml"
        configuration.write_text(f"""version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: {self.folder}/storage
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{self.port}
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
""")
        return ["docker-registry", "serve", configuration]

    def version_command(self):
        return ["docker-registry", "--version"]

    def add_tags(self, count):
        """It lists the folders that there are, and asks no more of them."""
        tags = self.folder / "storage/docker/registry/v2/repositories" / REPOSITORY / "_manifests/tags"
        link = (tags / "v1/current/link").read_text()
        for number in range(1, count):
            folder = tags / f"t{number:07d}/current"
            folder.mkdir(parents=True)
            (folder / "link").write_text(link)


class Nginx(Peer):
    """Static files, from open descriptors: what a server can do that need not know anything."""

    name = "nginx"

    def command(self):
        modest = "user root;" if os.geteuid() == 0 else ""
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"""{modest}
daemon off;
pid {self.folder}/pid;
worker_processes auto;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600;
    keepalive_requests 100000000;
    open_file_cache max=1000 inactive=600s;
    open_file_cache_valid 600s;
    default_type {MANIFEST};
    add_header Docker-Distribution-Api-Version registry/2.0;
    add_header Docker-Content-Digest sha256:{"0" * 64};
    add_header X-Content-Type-Options nosniff;
    client_body_temp_path {self.folder}/body;
    proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/fastcgi;
    uwsgi_temp_path {self.folder}/uwsgi;
    scgi_temp_path {self.folder}/scgi;
    server {{
        listen 127.0.0.1:{self.port};
        root {self.folder}/root;
    }}
}}
""")
        return ["nginx", "-c", configuration, "-e", "stderr", "-p", self.folder]

    def version_command(self):
        return ["nginx", "-v"]

    def place(self, kind, name):
        path = self.folder / "root/v2" / REPOSITORY / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def push_blob(self, content):
        if isinstance(content, bytes):
            name = digest(content)
            self.place("blobs", name).write_bytes(content)
            return name
        with open(content, "rb") as file:
            name = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        shutil.copyfile(content, self.place("blobs", name))
        return name

    def push_manifest(self, tag, content):
        self.place("manifests", tag).write_bytes(content)


class Sink(Peer):
    """Receives, writes and flushes, and nothing else; see sink.c."""

    name = "limit"

    def __init__(self, folder, program):
        super().__init__(folder)
        self.program = program

    def command(self):
        return [self.program, str(self.port), self.folder]
