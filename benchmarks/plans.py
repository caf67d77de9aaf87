"""What the driver is told to do, and the contents that it pushes."""

import hashlib
import json
import pathlib
import random
import subprocess

from harness import MIB, digest
from peers import MANIFEST, REPOSITORY

ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        MANIFEST,
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
# The driver puts in the last Location for the first, and for the second that with the mark before another parameter.
LOCATION, LOCATION_WITH_MARK = "\x01", "\x02"
EMPTY = b"{}"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def request(method, path, status, body=b"", file_length=0, media_type=None):
    """One request of a plan: its head, `file_length` bytes of the shared content, and `body`."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: driver\r\n"
    head += f"Accept: {ACCEPT}\r\nAccept-Encoding: gzip\r\n"
    if media_type:
        head += f"Content-Type: {media_type}\r\n"
    if method not in ("GET", "HEAD"):
        head += f"Content-Length: {file_length + len(body)}\r\n"
    head = (head + "\r\n").encode()
    return f"request {len(head)} {len(body)} {file_length} {status}\n".encode() + head + body


def task(requests, times=1):
    return f"task {times}\n".encode() + b"".join(requests)


class Driver:
    """The program that sends; see driver.c."""

    def __init__(self, program, folder, content=None):
        self.program, self.folder, self.content = program, pathlib.Path(folder), content

    def run(self, peer, connections, tasks):
        """What the driver tells, and what the server spent, in seconds."""
        plan = self.folder / "plan"
        plan.write_bytes(b"".join(tasks))
        command = [self.program, str(peer.port), str(connections), plan] + ([self.content] if self.content else [])
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "ready\n":
                raise SystemExit(f"the driver cannot reach {peer.name}")
            before = peer.processor()
            process.stdin.write("go\n")
            process.stdin.flush()
            line = process.stdout.readline()
            spent = peer.processor() - before
            if not line:
                raise SystemExit(f"the driver failed with {peer.name}")
            process.communicate("end\n", timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        return json.loads(line) | {"processor": spent}


class Contents:
    """Bytes that nobody has pushed before."""

    def __init__(self):
        self.random = random.Random(6)

    def bytes(self, size):
        return self.random.randbytes(size)

    def manifest(self, config, layers):
        """Of pairs of digest and size."""

        def descriptor(media_type, blob):
            return {"mediaType": media_type, "digest": blob[0], "size": blob[1]}

        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": descriptor(CONFIG, config),
                "layers": [descriptor(LAYER, layer) for layer in layers],
            },
            separators=(",", ":"),
        ).encode()

    def configuration(self, size):
        """A configuration of so many bytes."""
        fields = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "author": ""}
        short = len(json.dumps(fields))
        fields["author"] = self.random.randbytes(size).hex()[: size - short]
        return json.dumps(fields).encode()


class LargeContent:
    """Blobs that share all but their last bytes, in a file, so that neither the driver nor hashing holds up anything."""

    def __init__(self, path, size):
        self.path, self.size = pathlib.Path(path), size
        noise = random.Random(7)
        self.prefix = hashlib.sha256()
        with open(path, "wb") as file:
            for start in range(0, size, MIB):
                portion = noise.randbytes(min(MIB, size - start))
                self.prefix.update(portion)
                file.write(portion)

    def blob(self, tail):
        """The digest and size of the blob that ends in these bytes."""
        hasher = self.prefix.copy()
        hasher.update(tail)
        return "sha256:" + hasher.hexdigest(), self.size + len(tail)


def push_blob_requests(name, body, file_length=0):
    """As docker pushes: a session, the content, the digest."""
    return [
        request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", 202),
        request("PATCH", LOCATION, 202, body, file_length, "application/octet-stream"),
        request("PUT", f"{LOCATION_WITH_MARK}digest={name}", 201),
    ]


def push_manifest_request(tag, manifest):
    return request("PUT", f"/v2/{REPOSITORY}/manifests/{tag}", 201, manifest, media_type=MANIFEST)


def image_task(contents, tag, size):
    """An image of a configuration and two layers of that size, none of which is there yet."""
    blobs = [contents.configuration(size), contents.bytes(size), contents.bytes(size)]
    named = [(digest(blob), len(blob)) for blob in blobs]
    requests = []
    for (name, _), blob in zip(named, blobs):
        requests.append(request("HEAD", f"/v2/{REPOSITORY}/blobs/{name}", 404))
        requests += push_blob_requests(name, blob)
    return task(requests + [push_manifest_request(tag, contents.manifest(named[0], named[1:]))])
