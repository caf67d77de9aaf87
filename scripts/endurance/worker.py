"""A client with repositories of its own, which remembers what it was told.

Each worker does one thing after another, so at every moment it knows what its repositories hold, but for the one thing
that it is doing. What the workers push is drawn from the same contents, so that their files are shared.
"""

import random
import tempfile
import time

from registry import Client, Lost, digest_of, image, index, references

# Contents that all workers draw from.
SHARED_CONTENTS = 40
LARGEST_SHARED = 60_000
TAGS = 6
# What a worker keeps at most; it deletes what is more.
MOST_MANIFESTS = 12
MOST_SESSIONS = 3


def shared_content(number):
    generator = random.Random(number)
    return generator.randbytes(generator.randrange(1, LARGEST_SHARED))


class Repository:
    """What a repository holds, as its only client was told."""

    def __init__(self, name):
        self.name = name
        self.blobs = {}  # digest: content
        self.manifests = {}  # digest: bytes
        self.tags = {}  # tag: digest
        self.gone = set()  # digests that were deleted, and not pushed again

    def referenced(self):
        return set().union(*map(references, self.manifests.values()), set())


class Worker:
    """`executable`: the bytes of a static program. `grace`: how long blobs stay that nothing refers to, in seconds."""

    def __init__(self, number, seed, executable, grace=None):
        self.random = random.Random(f"{seed} {number}")
        self.executable = executable
        self.grace = grace
        self.repository = Repository(f"worker{number}/app")
        self.packaged = Repository(f"worker{number}/packaged")
        self.sessions = {}  # path: (content, the offset that was acknowledged)
        self.closing = None  # the session that is being finished
        self.pending = None  # what is being done, for the report
        self.check_pending = None  # looks whether that has happened whole, or not at all
        self.client = None
        self.acknowledged = 0
        self.cancelled = set()

    # What it does.

    def run(self, port, is_over, on_acknowledged=lambda: None):
        """Does one thing after another until it is over, or the server goes away."""
        self.client = Client(port)
        try:
            while not is_over():
                self.step()
                self.acknowledged += 1
                on_acknowledged()
        except Lost:
            if not is_over():
                raise
        finally:
            self.client.close()

    def step(self):
        steps = [
            (self.push_blob, 4), (self.push_image, 6), (self.move_tag, 3), (self.delete_tag, 1),
            (self.delete_manifest, 2), (self.delete_blob, 2), (self.upload_executable, 2), (self.push_in_parts, 4),
            (self.cancel_session, 1), (self.push_index, 1), (self.mount, 1),
        ]
        if len(self.repository.manifests) > MOST_MANIFESTS:
            steps.append((self.delete_manifest, 10))
        chosen, = self.random.choices([step for step, _ in steps], [weight for _, weight in steps])
        chosen()

    def doing(self, what, check):
        self.pending, self.check_pending = what, check

    def done(self):
        self.pending = self.check_pending = None

    def push(self, repository, content):
        """Pushes a blob."""
        digest = digest_of(content)
        self.doing(f"push {digest}", lambda client: self.check_one_blob(client, repository, content))
        self.client.push_blob(repository.name, content)
        self.has_pushed(repository, content)
        self.done()

    @staticmethod
    def has_pushed(repository, content):
        repository.blobs[digest_of(content)] = content
        repository.gone.discard(digest_of(content))

    def content(self):
        if self.random.random() < 0.5:
            return shared_content(self.random.randrange(SHARED_CONTENTS))
        size = self.random.choice([1, 100, 5_000, 40_000, 40_000, 300_000])
        return self.random.randbytes(self.random.randrange(1, size + 1))

    def push_blob(self):
        self.push(self.repository, self.content())

    def keep_or_push(self, content):
        """As clients do: what the registry says to have is not pushed."""
        digest = digest_of(content)
        if digest in self.repository.blobs:
            # With a short period of grace it may have gone by itself, and is kept from now on.
            if self.client.has_blob(self.repository.name, digest):
                return
            assert self.grace is not None, f"{digest} was there, and is not"
        self.push(self.repository, content)

    def push_image(self):
        layers = [self.content() for _ in range(self.random.randrange(1, 3))]
        configuration = b'{"architecture":"amd64","os":"linux","by":"%d"}' % self.random.randrange(1 << 30)
        for content in [configuration, *layers]:
            self.keep_or_push(content)
        self.publish(image(configuration, layers))

    def push_index(self):
        images = [bytes for bytes in self.repository.manifests.values() if b'"layers"' in bytes]
        if images:
            self.publish(index(self.random.sample(images, min(2, len(images)))))

    def publish(self, manifest):
        repository, digest = self.repository, digest_of(manifest)
        tag = f"t{self.random.randrange(TAGS)}" if self.random.random() < 0.8 else None
        was_there, old = digest in repository.manifests, repository.tags.get(tag)

        def check(client):
            found = client.manifest(repository.name, digest)
            assert found in (None, manifest)
            assert found or not was_there, f"{digest} was there, and is not"
            if tag is None:
                now = None
            else:
                now = self.tag(client, repository, tag)
                assert now in (old, digest), f"{tag} points to {now}"
                assert now != digest or found, "a tag without its manifest"
                assert was_there or now == digest or not found, "a manifest without the tag that it came with"
            if found:
                self.has_published(repository, manifest, tag if now == digest else None)

        self.doing(f"publish {digest} as {tag}", check)
        self.client.push_manifest(repository.name, tag or digest, manifest)
        self.has_published(repository, manifest, tag)
        self.done()

    @staticmethod
    def has_published(repository, manifest, tag):
        repository.manifests[digest_of(manifest)] = manifest
        repository.gone.discard(digest_of(manifest))
        if tag is not None:
            repository.tags[tag] = digest_of(manifest)

    def move_tag(self):
        if self.repository.manifests:
            self.publish(self.random.choice(list(self.repository.manifests.values())))

    def delete_tag(self):
        repository = self.repository
        if not repository.tags:
            return
        tag = self.random.choice(sorted(repository.tags))
        old = repository.tags[tag]

        def check(client):
            now = self.tag(client, repository, tag)
            assert now in (None, old)
            if now is None:
                del repository.tags[tag]

        self.doing(f"delete {tag}", check)
        self.client.expect((202,), "DELETE", f"/v2/{repository.name}/manifests/{tag}")
        del repository.tags[tag]
        self.done()

    def delete_manifest(self):
        repository = self.repository
        used = repository.referenced()
        free = sorted(digest for digest in repository.manifests if digest not in used)
        if not free:
            return
        digest = self.random.choice(free)
        manifest = repository.manifests[digest]
        tags = {tag for tag, target in repository.tags.items() if target == digest}

        def check(client):
            found = client.manifest(repository.name, digest)
            left = {tag for tag in tags if self.tag(client, repository, tag) == digest}
            assert (found, left) in ((manifest, tags), (None, set())), f"{digest} is half deleted: {left} of {tags}"
            if found is None:
                self.has_deleted(repository, digest)

        self.doing(f"delete {digest}", check)
        self.client.expect((202,), "DELETE", f"/v2/{repository.name}/manifests/{digest}")
        self.has_deleted(repository, digest)
        self.done()

    @staticmethod
    def has_deleted(repository, digest):
        del repository.manifests[digest]
        repository.gone.add(digest)
        repository.tags = {tag: target for tag, target in repository.tags.items() if target != digest}

    def delete_blob(self):
        repository = self.repository
        used = repository.referenced()
        free = sorted(digest for digest in repository.blobs if digest not in used)
        if not free:
            return
        digest = self.random.choice(free)

        def check(client):
            if client.blob(repository.name, digest) is None:
                self.has_deleted_blob(digest)

        self.doing(f"delete {digest}", check)
        statuses = (202,) if self.grace is None else (202, 404)
        self.client.expect(statuses, "DELETE", f"/v2/{repository.name}/blobs/{digest}")
        self.has_deleted_blob(digest)
        self.done()

    def has_deleted_blob(self, digest):
        del self.repository.blobs[digest]
        self.repository.gone.add(digest)

    def mount(self):
        """Takes a blob from the worker's other repository."""
        free = sorted(digest for digest in self.packaged.blobs)
        if not free:
            return
        digest = self.random.choice(free)
        content = self.packaged.blobs[digest]
        self.doing(f"mount {digest}", lambda client: self.check_one_blob(client, self.repository, content))
        path = f"/v2/{self.repository.name}/blobs/uploads/?mount={digest}&from={self.packaged.name}"
        status, fields, _ = self.client.expect((201, 202), "POST", path, b"")
        if status == 201:
            self.has_pushed(self.repository, content)
        else:
            # The registry offers a session instead.
            assert self.grace is not None, f"{digest} was there, and is not"
            self.client.expect((204,), "DELETE", fields["Location"])
        self.done()

    def upload_executable(self):
        repository = self.packaged
        tag = f"t{self.random.randrange(2)}"
        # A few programs only: the same one is packaged once.
        program = self.executable + b"%d" % self.random.randrange(8)
        old = repository.tags.get(tag)

        def check(client):
            now = self.tag(client, repository, tag)
            assert now is not None or old is None, f"{tag} was there, and is not"
            if now is not None:
                self.has_published(repository, client.manifest(repository.name, now), tag)

        self.doing(f"upload an executable as {tag}", check)
        digest = self.client.upload_executable(repository.name, tag, program)
        # Its documents are an image of their own; what it consists of is asked for when all is checked.
        manifest = self.client.manifest(repository.name, digest)
        self.has_published(repository, manifest, tag)
        self.done()
        if self.grace is None:
            blob = self.random.choice(sorted(references(manifest)))
            content = self.client.blob(repository.name, blob)
            assert content is not None, f"{blob} of an image that was just made is not there"
            repository.blobs[blob] = content

    # Sessions.

    def push_in_parts(self):
        if not self.sessions or (len(self.sessions) < MOST_SESSIONS and self.random.random() < 0.3):
            # What was begun and never told of goes when it expires.
            self.doing("open a session", lambda client: None)
            session = self.client.open_session(self.repository.name)
            self.sessions[session] = (self.random.randbytes(self.random.randrange(100_000, 200_000)), 0)
            self.done()
            return
        session = self.random.choice(sorted(self.sessions))
        content, offset = self.sessions[session]
        if offset < len(content):
            part = content[offset:offset + self.random.randrange(10_000, 100_000)]
            # Where it stands is looked at with all the sessions.
            self.doing(f"append {len(part)} at {offset}", lambda client: None)
            self.client.append(session, part, offset)
            self.sessions[session] = (content, offset + len(part))
            self.done()
        else:
            self.finish(session, content)

    def finish(self, session, content):
        self.closing = session
        self.doing(f"finish {session}", lambda client: self.check_finished(client, session, content))
        self.client.finish(session, content)
        del self.sessions[session]
        self.has_pushed(self.repository, content)
        self.closing = None
        self.done()

    def check_finished(self, client, session, content):
        """A session that was being finished is a blob, or goes on."""
        self.closing = None
        if client.blob(self.repository.name, digest_of(content)) is not None:
            self.has_pushed(self.repository, content)
            del self.sessions[session]
            return
        status, _, _ = client.expect((204, 404), "GET", session)
        if status == 404:
            # The bytes had their place, and the row did not come: the file went with the crash.
            del self.sessions[session]

    def cancel_session(self):
        if not self.sessions:
            return
        session = self.random.choice(sorted(self.sessions))

        def check(client):
            if client.expect((204, 404), "GET", session)[0] == 404:
                del self.sessions[session]

        self.doing(f"cancel {session}", check)
        self.client.expect((204,), "DELETE", session)
        del self.sessions[session]
        self.cancelled.add(session)
        self.done()

    # What it looks at.

    @staticmethod
    def tag(client, repository, tag):
        manifest = client.manifest(repository.name, tag)
        return None if manifest is None else digest_of(manifest)

    def check_one_blob(self, client, repository, content):
        if client.blob(repository.name, digest_of(content)) is not None:
            self.has_pushed(repository, content)
        else:
            assert digest_of(content) not in repository.blobs, f"{digest_of(content)} was there, and is not"

    def check(self, port):
        """Compares everything that there is with what was acknowledged, and has the sessions go on."""
        client = Client(port)
        try:
            if self.check_pending is not None:
                self.check_pending(client)
            self.done()
            for repository in (self.repository, self.packaged):
                self.check_repository(client, repository)
            self.check_sessions(client)
        finally:
            client.close()

    def check_repository(self, client, repository):
        name = repository.name
        tags = client.tags(name)
        assert tags == sorted(repository.tags), f"{name} has the tags {tags}, not {sorted(repository.tags)}"
        for tag, digest in repository.tags.items():
            now = self.tag(client, repository, tag)
            assert now == digest, f"{name}:{tag} points to {now}, not to {digest}"
        blobs = set(repository.blobs) if self.grace is None else set()
        for digest, manifest in repository.manifests.items():
            assert client.manifest(name, digest) == manifest, f"{name}@{digest} was there, and is not"
            blobs |= references(manifest)
        for digest in blobs - set(repository.manifests):
            assert client.blob(name, digest) is not None, f"{digest} was in {name}, and is not"
        for digest in repository.gone:
            assert not client.has_blob(name, digest), f"{digest} was deleted in {name}, and is there again"
            assert client.manifest(name, digest) is None, f"{digest} was deleted in {name}, and is there again"

    def check_sessions(self, client):
        for session in self.cancelled:
            assert client.expect((204, 404), "GET", session)[0] == 404, f"{session} was cancelled, and is there again"
        for session, (content, acknowledged) in list(self.sessions.items()):
            offset = client.offset(session)
            assert acknowledged <= offset <= len(content), f"{session} stands at {offset}, not {acknowledged}"
            if self.random.random() < 0.5:
                self.sessions[session] = (content, offset)
                continue
            if offset < len(content):
                client.append(session, content[offset:], offset)
            client.finish(session, content)
            assert client.blob(self.repository.name, digest_of(content)) == content
            del self.sessions[session]
            self.has_pushed(self.repository, content)
