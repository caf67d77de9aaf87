"""What the benchmarks share: a server of their own on the loopback, and what it takes of the machine."""
import hashlib
import http.client
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIB = 1 << 20
# Nothing here waits for longer, whatever goes wrong.
PATIENCE = 600


class Server:
    """A server on a free port of the loopback, for the time of a `with`."""

    def __init__(self, program, folder, environment=None, options=()):
        self.program, self.folder = os.path.abspath(program), pathlib.Path(folder)
        self.environment, self.options = environment or {}, list(options)

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BERTH_")}
        environment["BERTH_LOG_LEVEL"] = "warning"
        self.log = open(self.folder / "log", "w+")
        self.process = subprocess.Popen(
            [self.program, "serve", "--port", "0", "--storage", self.folder / "storage", *self.options],
            stdout=self.log, stderr=self.log, cwd=self.folder, env=environment | self.environment,
        )
        self.port = self.find_port()
        return self

    def find_port(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"(?:localhost|127\.0\.0\.1):(\d+)", (self.folder / "log").read_text())
            if found:
                return int(found[1])
            time.sleep(0.02)
        raise SystemExit("the server did not start:\n" + (self.folder / "log").read_text())

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        self.log.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def status(self, key):
        """A line of /proc/PID/status, as a number: VmHWM and VmRSS are in KiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)[1])

    def forget_peak(self):
        """Has VmHWM count from now."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def send(connection, method, path, body=None, headers=None):
    """One request and its reply, which has to be a success."""
    try:
        connection.request(method, path, body, headers or {})
    except (BrokenPipeError, ConnectionResetError):
        # Refused before all was sent; the reply says why.
        pass
    reply = connection.getresponse()
    content = reply.read()
    if reply.status >= 400:
        raise RuntimeError(f"{method} {path}: {reply.status} {content.decode(errors='replace')}")
    return reply, content


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def require_program(path):
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is no program; scripts/serve builds one")


def allow_open_files():
    """A client of hundreds of connections needs as many descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
