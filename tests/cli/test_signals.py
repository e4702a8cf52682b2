"""Ctrl-C, SIGTERM and streams that go away, on real processes."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipcli.jobs.interruption import EndedAtOnceError, Interruption
from support.builders import PNG_SIGNATURE
from support.running import ENVIRONMENT, PATIENCE, START, Process, Run, begun, lines_of, names, opened, smooth_picture

ENDLESS = ("--steps", "100000000", "--stop", "none", "--device", "cpu")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
Start = Callable[..., Process]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return smooth_picture(tmp_path / "in.png", 64)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the command as a shell does, so that Ctrl-C is heeded; it is gone at the end, whatever happens."""
    processes: list[Process] = []

    def run(*arguments: str | Path, fresh: bool = False) -> Process:
        process = begun("denoise", *arguments, fresh=fresh)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def finished(process: Process, out: bytes = b"") -> Run:
    """Wait for the end; `out` is what was read from stdout before."""
    rest, err = process.communicate(timeout=PATIENCE)
    return Run(process.returncode, out + rest, err)


def read_until_progress(process: Process) -> bytes:
    """Read the JSON lines up to the first that tells of a step, after which there is an estimate."""
    out = b""
    while True:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()
        out += line
        if json.loads(line)["type"] == "progress":
            return out


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, and fail when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_during_the_fit_writes_the_estimate_so_far(
    number: signal.Signals, start: Start, source: Path, tmp_path: Path
) -> None:
    process = start(source, *ENDLESS, "--json", "--sheet", tmp_path / "sheet.png")
    out = read_until_progress(process)
    process.send_signal(number)
    run = finished(process, out)
    assert run.code == 128 + number
    assert b"interrupted: this is the estimate so far; estimate of step " in run.err
    assert b"Traceback" not in run.err
    lines = lines_of(run)
    assert lines[-2]["outcome"] == "interrupted"
    assert lines[-1]["exit_code"] == run.code
    assert names(tmp_path) == {"in.png", "in_denoised.png", "sheet.png"}
    assert opened(tmp_path / "in_denoised.png").size == (64, 64)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_torch_loads_ends_without_a_file(
    number: signal.Signals, start: Start, source: Path, tmp_path: Path
) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc to see when torch is being loaded")
    process = start(source, *ENDLESS, fresh=True)
    wait_for(lambda: b"libtorch" in Path(f"/proc/{process.pid}/maps").read_bytes())
    process.send_signal(number)
    run = finished(process)
    assert run.code == 128 + number
    assert run.err.splitlines()[-1] == b"pip-restore: interrupted before there was an estimate: nothing was written"
    assert b"Traceback" not in run.err
    assert run.out == b""
    assert names(tmp_path) == {"in.png"}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_input_is_read_ends_without_a_file(
    number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    process = start("-", "-o", tmp_path / "out.png", "--json")
    assert process.stdin is not None
    process.stdin.write(PNG_SIGNATURE)
    process.stdin.flush()
    pipe = process.stdin.fileno()
    wait_for(lambda: fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)) == struct.pack("i", 0))
    process.send_signal(number)
    process.wait(timeout=PATIENCE)
    run = finished(process)
    assert run.code == 128 + number
    assert run.message == "interrupted before there was an estimate: nothing was written"
    assert lines_of(run) == [{"type": "error", "message": run.message, "exit_code": run.code}]
    assert names(tmp_path) == set()


def test_a_second_signal_ends_at_once(start: Start, source: Path, tmp_path: Path) -> None:
    process = start(source, *ENDLESS, "--json", fresh=True)
    out = read_until_progress(process)
    # Stopped, so that both signals wait for it, and it cannot be done with the first before the second comes.
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    run = finished(process, out)
    assert run.code == 128 + signal.SIGTERM
    assert run.err.splitlines()[-1].startswith(b"pip-restore: interrupted twice: ended at once")
    assert b"Traceback" not in run.err
    assert lines_of(run)[-1]["type"] == "error"
    assert names(tmp_path) == {"in.png"}


@pytest.fixture
def heeded() -> Iterator[None]:
    """Heed SIGINT in this process, which a shell that runs the tests in the background has it ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_two_interrupts_end_the_waiting_and_the_old_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption() as interruption:
        interruption.check()
        assert interruption.exit_code == 0
        signal.raise_signal(signal.SIGINT)
        assert interruption.signal_number == signal.SIGINT
        assert interruption.exit_code == 130
        with pytest.raises(EndedAtOnceError, match="before there was an estimate"):
            interruption.check()
        with pytest.raises(EndedAtOnceError, match="twice"):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_leaves_is_no_traceback(options: list[str], start: Start, source: Path, tmp_path: Path) -> None:
    process = start(source, "--steps", "20", *options)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(timeout=PATIENCE) == 1
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert names(tmp_path) - {"in_denoised.png"} == {"in.png"}


@pytest.mark.parametrize("options", [[], ["-o", "-"]])
def test_a_full_stdout_is_a_failure_on_one_line(options: list[str], source: Path) -> None:
    with open("/dev/full", "wb") as full:
        run = subprocess.run(
            [*START, "denoise", source, "--steps", "1", "-q", *options],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    assert run.stderr == b"pip-restore: standard output cannot be written: No space left on device\n"
    assert run.returncode == 1


def test_streams_that_the_caller_closed_are_done_without(source: Path, tmp_path: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *START, "denoise"]
    run = subprocess.run([*closed, source, "--steps", "1"], env=ENVIRONMENT, timeout=PATIENCE, check=False)
    assert run.returncode == 0
    assert opened(tmp_path / "in_denoised.png").size == (64, 64)
    run = subprocess.run([*closed, "-"], env=ENVIRONMENT, timeout=PATIENCE, check=False)
    assert run.returncode == 2
    assert names(tmp_path) == {"in.png", "in_denoised.png"}
