"""Processes of the command without the two seconds that Python takes to load torch.

A server, one for each process that runs tests, loads what the command loads and then forks a child for every command.
The child runs the command as `python -c` does, with the caller's streams and working folder, and ends as an interpreter
ends. A test that is about the start of a process, its limits or its imports takes a fresh interpreter instead.
"""

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

Word = str | bytes | Path
STREAMS = 3  # stdin, stdout, stderr; a fourth descriptor tells the child's number and its end


def heed_signals() -> None:
    """Heed what a shell that runs the tests in the background, or `nohup`, has them ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Forked:
    """A process that the server forked, with what the tests use of `subprocess.Popen`."""

    def __init__(self, words: Sequence[Word], script: str, environment: Mapping[str, str], cwd: str) -> None:
        pipes = [os.pipe() for _ in range(STREAMS + 1)]
        (child_in, to_child), (from_out, child_out), (from_err, child_err), (self._ends, child_ends) = pipes
        asked = {"words": [os.fsdecode(word) for word in words], "script": script, "cwd": cwd, "env": dict(environment)}
        theirs = [child_in, child_out, child_err, child_ends]
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(_server())
            line.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", theirs))])
            line.sendall(json.dumps(asked).encode("ascii"))
            line.shutdown(socket.SHUT_WR)
            for descriptor in theirs:
                os.close(descriptor)
        self.stdin: IO[bytes] | None = os.fdopen(to_child, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(from_out, "rb")
        self.stderr: IO[bytes] | None = os.fdopen(from_err, "rb")
        self.returncode: int | None = None
        self._told = b""
        self.pid = int(self._next_line(timeout=60))

    def _next_line(self, timeout: float | None) -> bytes:
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._told:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not select.select([self._ends], [], [], left)[0]:
                raise subprocess.TimeoutExpired("forked command", timeout or 0)
            got = os.read(self._ends, 100)
            assert got, "the server of forked commands is gone"
            self._told += got
        line, self._told = self._told.split(b"\n", 1)
        return line

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code, negative for a signal."""
        if self.returncode is None:
            self.returncode = int(self._next_line(timeout))
            os.close(self._ends)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process if it has not ended yet."""
        if self.returncode is None:
            with_end = select.select([self._ends], [], [], 0)[0]
            if not with_end:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Feed `input`, read both streams to their ends, and wait for the end."""
        read: dict[str, bytes] = {"out": b"", "err": b""}

        def drain(name: str, stream: IO[bytes] | None) -> None:
            if stream is not None and not stream.closed:
                with stream:
                    read[name] = stream.read()

        readers = [threading.Thread(target=drain, args=pair) for pair in (("out", self.stdout), ("err", self.stderr))]
        for reader in readers:
            reader.start()
        if self.stdin is not None and not self.stdin.closed:
            try:
                self.stdin.write(input or b"")
                self.stdin.close()
            except BrokenPipeError:
                pass
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            for reader in readers:
                reader.join()
        return read["out"], read["err"]


@cache
def _server() -> str:
    """Start the server, which ends with this process, and return the address of its socket."""
    address = f"\0pip-restore-tests-{os.getpid()}-{time.monotonic_ns()}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from support.forked import serve; serve(sys.argv[1])", address[1:]],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    with process.stdout as told:
        assert told.read(1) == b"."  # it listens
    # The server goes on as a grandchild: some tests look for children of this process.
    process.wait()
    atexit.register(process.stdin.close)  # at which the server ends
    return address


def _load() -> None:
    """Load what the command loads while it works, and set torch up as a fresh process with one thread has it."""
    import av  # noqa: F401
    import cv2  # noqa: F401
    import imagecodecs  # noqa: F401
    import tifffile  # noqa: F401
    import torch  # noqa: F401

    import pipcli.cli.app
    import pipcli.jobs.clips.job
    import pipcli.jobs.photos.batch  # noqa: F401


def serve(name: str) -> None:
    """Fork a child for each command that is asked for; a child returns from here, when its command is done."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the monitors
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"\0{name}")
    listening.listen()
    os.write(1, b".")
    if os.fork():
        os._exit(0)
    while True:
        if select.select([listening, 0], [], [])[0] == [0]:
            return  # whoever runs the tests is gone
        line, _ = listening.accept()
        with line:
            _, given, *_ = line.recvmsg(1, socket.CMSG_SPACE(4 * (STREAMS + 1)))
            streams = array.array("i", given[0][2])
            text = b"".join(iter(lambda line=line: line.recv(1 << 16), b""))
        if os.fork() == 0:
            listening.close()
            _monitored(streams, json.loads(text))
            return
        for stream in streams:
            os.close(stream)


def _monitored(streams: Sequence[int], asked: dict[str, object]) -> None:
    """Fork the command, tell its number and its end; the command itself goes on and returns when it is done."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    ends = streams[STREAMS]
    if child:
        for stream in streams[:STREAMS]:
            os.close(stream)
        os.write(ends, b"%d\n" % child)
        _, status = os.waitpid(child, 0)
        os.write(ends, b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.close(ends)
    for number, stream in enumerate(streams[:STREAMS]):
        os.dup2(stream, number)
        os.close(stream)
    _run(**asked)  # type: ignore[arg-type]


def _run(words: list[str], script: str, cwd: str, env: dict[str, str]) -> None:
    """Run a script as `python -c` does."""
    heed_signals()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["-c", *words]
    main = sys.modules["__main__"].__dict__
    exec(compile(script, "<string>", "exec"), main)
