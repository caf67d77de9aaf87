"""A registry that a test runs, and a client of it that knows nothing of how it is made."""

import hashlib
import http.client
import json
import os
import select
import signal
import subprocess
import tempfile
import time
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

# A reply that takes longer than this on a busy machine does not come.
REPLY_SECONDS = 60
START_SECONDS = 120


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Lost(Exception):
    """The connection ended before the reply had come: what was asked has happened, or has not."""


class Server:
    """`berth serve` on a free port over a folder."""

    def __init__(self, program, storage, options=(), environment=None):
        # A file, so that no pipe can fill and stop the server.
        self.log = tempfile.NamedTemporaryFile(mode="w+", prefix="berth-log-")
        self.process = subprocess.Popen(
            [program, "serve", "--port", "0", "--storage", storage, "--config", "/dev/null", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=os.environ | (environment or {}),
        )
        self.port = None

    def wait_until_it_listens(self):
        """Returns when the three lines have come that tell that it listens."""
        output, deadline = b"", time.monotonic() + START_SECONDS
        while output.count(b"\n") < 3:
            ready, _, _ = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))
            part = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not part:
                self.kill()
                raise AssertionError(f"the server does not start:\n{output.decode()}\n{self.messages()}")
            output += part
        self.port = int(output.split(b"\n")[0].rsplit(b":", 1)[1])
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self):
        """Has it end in good order."""
        self.process.send_signal(signal.SIGTERM)
        status = self._reap()
        assert status == 0, f"the server ended with {status}:\n{self.messages()}"

    def _reap(self):
        status = self.process.wait(timeout=REPLY_SECONDS)
        self.process.stdout.close()
        return status

    def messages(self):
        """The end of its log."""
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:])


class Client:
    """One connection to a registry at a time."""

    def __init__(self, port):
        self.port = port
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def ask(self, method, path, body=None, headers=None):
        """Sends a request, and returns status, headers and content of the reply."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REPLY_SECONDS)
            self.connection.request(method, path, body=body, headers=headers or {})
            reply = self.connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Lost(f"{method} {path}: {error!r}") from error
        if reply.will_close:
            self.close()
        return reply.status, reply.headers, content

    def expect(self, statuses, method, path, body=None, headers=None):
        status, fields, content = self.ask(method, path, body, headers)
        assert status in statuses, f"{method} {path}: {status} {content[:400]!r}"
        return status, fields, content

    # Blobs and manifests.

    def has_blob(self, repository, digest):
        return self.expect((200, 404), "HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200

    def blob(self, repository, digest):
        """A blob's content, which is checked; None where it is not there."""
        status, _, content = self.expect((200, 404), "GET", f"/v2/{repository}/blobs/{digest}")
        if status == 404:
            return None
        assert digest_of(content) == digest, f"{repository}: {digest} has other bytes: {len(content)} of them"
        return content

    def push_blob(self, repository, content):
        path = f"/v2/{repository}/blobs/uploads/?digest={digest_of(content)}"
        self.expect((201,), "POST", path, content)

    def manifest(self, repository, reference):
        """A manifest's bytes, which are checked; None where it is not there."""
        status, fields, content = self.expect(
            (200, 404), "GET", f"/v2/{repository}/manifests/{reference}", headers={"Accept": f"{MANIFEST}, {INDEX}"}
        )
        if status == 404:
            return None
        digest = digest_of(content)
        assert digest == fields["Docker-Content-Digest"], f"{repository}:{reference} has other bytes"
        assert not reference.startswith("sha256:") or digest == reference
        return content

    def push_manifest(self, repository, reference, content):
        media_type = json.loads(content)["mediaType"]
        path = f"/v2/{repository}/manifests/{reference}"
        self.expect((201,), "PUT", path, content, {"Content-Type": media_type})

    def tags(self, repository):
        status, _, content = self.expect((200, 404), "GET", f"/v2/{repository}/tags/list")
        return [] if status == 404 else json.loads(content)["tags"]

    # Upload sessions.

    def open_session(self, repository):
        _, fields, _ = self.expect((202,), "POST", f"/v2/{repository}/blobs/uploads/", b"")
        return urllib.parse.urlsplit(fields["Location"]).path

    def append(self, session, content, offset):
        headers = {
            "Content-Range": f"{offset}-{offset + len(content) - 1}",
            "Content-Type": "application/octet-stream",
        }
        self.expect((202,), "PATCH", session, content, headers)

    def offset(self, session):
        """Where a session stands."""
        _, fields, _ = self.expect((204,), "GET", session)
        last = int(fields["Range"].split("-")[1])
        return 0 if last == 0 else last + 1

    def finish(self, session, content):
        self.expect((201,), "PUT", f"{session}?digest={digest_of(content)}", b"")

    # Executables.

    def upload_executable(self, repository, tag, content):
        """Has an executable packaged, and returns the digest of its image."""
        _, _, reply = self.expect((200, 201), "PUT", f"/{repository}:{tag}", content, {"Accept": "application/json"})
        return json.loads(reply)["digest"]


def descriptor(media_type, content):
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def image(configuration, layers):
    """The manifest of an image."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIGURATION, configuration),
        "layers": [descriptor(LAYER, layer) for layer in layers],
    }
    return json.dumps(document).encode()


def index(manifests):
    """An index of images."""
    document = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [descriptor(MANIFEST, manifest) for manifest in manifests],
    }
    return json.dumps(document).encode()


def references(manifest):
    """The digests that a manifest refers to."""
    document = json.loads(manifest)
    descriptors = document.get("layers", []) + document.get("manifests", [])
    return {entry["digest"] for entry in descriptors + ([document["config"]] if "config" in document else [])}
