"""What is shown while a fit runs, and how results and JSON lines leave the process."""

import contextlib
import io
import json
import math
import os
import pty
import re
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from pipcli.console import (
    PLAIN_LINES,
    LiveBar,
    Place,
    PlainLines,
    Reporter,
    Silent,
    Verbosity,
    estimated_psnr,
    print_json,
)
from pipcli.watch import Progress


def progress(
    step: int = 1, steps: int = 100, *, fitting: int = 1, members: int = 1, error: float | None = 0.02
) -> Progress:
    share = (fitting * step + (members - fitting) * steps) / (members * steps)
    return Progress(members, fitting, step, steps, share, step / 50, error)


def terminal(stream: io.StringIO) -> Console:
    """A console that takes a buffer for a terminal."""
    return Console(file=stream, force_terminal=True, width=100, color_system=None, legacy_windows=False)


def plain(stream: io.StringIO) -> Console:
    return Console(file=stream, width=60)


@pytest.mark.parametrize("steps", [1, 3, 10, 37, 100, 1200])
def test_plain_lines_are_one_a_tenth_at_most(steps: int) -> None:
    stream = io.StringIO()
    lines = PlainLines(plain(stream))
    for step in range(1, steps + 1):
        lines.show(progress(step, steps), None)
    said = stream.getvalue().splitlines()
    assert 1 <= len(said) <= PLAIN_LINES + 1
    assert said[0].startswith(f"step 1 of at most {steps}, ")
    assert said[-1].startswith(f"step {steps} of at most {steps}, ")


def test_plain_lines_name_the_network_where_there_are_several() -> None:
    stream = io.StringIO()
    lines = PlainLines(plain(stream))
    for step in (1, 2, 3):
        lines.show(progress(step, fitting=2, members=2), 31.25)
    for step in (4, 5, 6):
        lines.show(progress(step, fitting=1, members=2), 31.25)
    assert stream.getvalue().splitlines() == [
        "step 1 of at most 100, 2 of 2 networks, 0 s, about 31.2 dB",
        "step 4 of at most 100, 1 of 2 networks, 0 s, about 31.2 dB",
    ]


def test_plain_lines_go_by_the_work_and_not_by_the_steps() -> None:
    stream = io.StringIO()
    lines = PlainLines(plain(stream))
    for step, fitting in ((1, 4), (50, 4), (51, 1), (100, 0)):
        lines.show(progress(step, fitting=fitting, members=4), None)
    assert [line.split(" s")[0] for line in stream.getvalue().splitlines()] == [
        "step 1 of at most 100, 4 of 4 networks, 0",
        "step 50 of at most 100, 4 of 4 networks, 1",
        "step 51 of at most 100, 1 of 4 networks, 1",
        "step 100 of at most 100, 0 of 4 networks, 2",
    ]


def test_plain_lines_are_not_broken_and_not_coloured() -> None:
    stream = io.StringIO()
    lines = PlainLines(Console(file=stream, width=10))
    lines.show(progress(), 20.0)
    lines.close()
    assert stream.getvalue() == "step 1 of at most 100, 0 s, about 20.0 dB\n"


def test_the_live_bar_shows_step_rate_and_quality_and_then_goes_away() -> None:
    stream = io.StringIO()
    bar = LiveBar(terminal(stream))
    bar.show(progress(50), 28.5)
    bar._progress.refresh()
    assert bar._progress.tasks[0].percentage == pytest.approx(50)
    bar.show(progress(70, fitting=1, members=3), None)
    bar._progress.refresh()
    assert bar._progress.tasks[0].percentage == pytest.approx(90)  # of the work: two have ended
    bar.close()
    shown = stream.getvalue()
    assert "step 50 of at most 100" in shown
    assert "50.0 steps/s" in shown
    assert "about 28.5 dB" in shown
    assert "step 70 of at most 100" in shown
    assert shown.endswith("\x1b[2K") or shown.rstrip("\r").endswith("\x1b[2K")  # the line is wiped
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")  # and the cursor is back


def test_the_live_bar_stands_a_close_before_the_first_step() -> None:
    stream = io.StringIO()
    bar = LiveBar(terminal(stream))
    bar.close()
    bar.close()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h")


def test_a_terminal_gets_a_bar_and_anything_else_lines() -> None:
    reporter = Reporter(Verbosity())
    assert isinstance(reporter._make_bar(), PlainLines)
    assert isinstance(Reporter(Verbosity(quiet=True))._make_bar(), Silent)
    reporter._console = terminal(io.StringIO())
    bar = reporter._make_bar()
    assert isinstance(bar, LiveBar)
    bar.close()


def everything_from(controller: int) -> bytes:
    """Read what was written to a pseudo-terminal whose other end is closed, and close it."""
    shown = b""
    with open(controller, "rb", buffering=0) as stream, contextlib.suppress(OSError):  # Linux ends it with EIO
        while chunk := stream.read(65536):
            shown += chunk
    return shown


@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_is_heeded_on_a_terminal(no_color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    controller, terminal_end = pty.openpty()
    with open(terminal_end, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        reporter = Reporter(Verbosity())
        reporter.show(progress(50), 1e-3)
        reporter.close()
    shown = everything_from(controller)
    assert b"step 50 of at most 100" in re.sub(rb"\x1b\[[0-9;]*m", b"", shown)
    colours = b"\x1b[3" in shown or b"\x1b[9" in shown or b"\x1b[1;3" in shown or b"\x1b[38" in shown
    assert colours == (no_color == "")


def test_a_quiet_reporter_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(Verbosity(quiet=True, verbose=True))
    reporter.say("one")
    reporter.explain("two")
    reporter.show(progress(), 1e-3)
    reporter.close()
    assert capfd.readouterr() == ("", "")


def test_only_a_verbose_reporter_explains(capfd: pytest.CaptureFixture[str]) -> None:
    Reporter(Verbosity()).explain("details")
    assert capfd.readouterr() == ("", "")
    Reporter(Verbosity(verbose=True)).explain("details")
    assert capfd.readouterr() == ("", "details\n")


def test_what_is_said_is_no_markup_and_is_not_broken(capfd: pytest.CaptureFixture[str]) -> None:
    message = "[bold]x[/bold] :smile: " + "long " * 60
    Reporter(Verbosity()).say(message)
    assert capfd.readouterr().err == message + "\n"


def test_the_path_leaves_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    name = b"/a \xff\n'\xc3\xbc.png"
    Reporter(Verbosity()).path(Path(os.fsdecode(name)))
    assert capfdbinary.readouterr() == (name + b"\n", b"")


def test_json_lines_take_the_place_of_the_path(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(Verbosity(json_lines=True, quiet=True))
    reporter.path(Path("a.png"))
    reporter.show(progress(7, error=0.02), 0.01)
    reporter.event("summary", done=1)
    out, err = capfd.readouterr()
    told, summary = map(json.loads, out.splitlines())
    assert told == {
        "type": "progress",
        "stage": "fit",
        "members": 1,
        "fitting": 1,
        "step": 7,
        "steps": 100,
        "seconds": 0.14,
        "estimated_psnr": 20.0,
    }
    assert summary == {"type": "summary", "done": 1}
    assert err == ""


def test_events_are_silent_without_json(capfd: pytest.CaptureFixture[str]) -> None:
    Reporter(Verbosity()).event("summary", done=1)
    assert capfd.readouterr() == ("", "")


def test_what_json_cannot_hold_becomes_null(capfd: pytest.CaptureFixture[str]) -> None:
    print_json({"a": math.nan, "b": {"c": math.inf, "d": {"e": -math.inf, "f": 1.5}}, "g": "grün\n\udcff", "h": [1, 2]})
    line = capfd.readouterr().out
    assert line.count("\n") == 1
    assert line.isascii()
    assert json.loads(line) == {
        "a": None,
        "b": {"c": None, "d": {"e": None, "f": 1.5}},
        "g": "grün\n\udcff",
        "h": [1, 2],
    }


def test_the_quality_is_the_held_out_error_less_the_noise() -> None:
    assert estimated_psnr(0.011, 0.01) == pytest.approx(30)
    assert estimated_psnr(0.01, 0.0) == pytest.approx(20)
    for hidden in ((None, 0.01), (0.01, None), (0.01, 0.01), (0.009, 0.01)):
        assert estimated_psnr(*hidden) is None


def place(window: int, *, kept: int = 0, done: int = 0) -> Place:
    return Place(window, 4, kept, done, 3 * window - 2, 3 * window, 12, began=time.perf_counter() - 60)


def test_plain_lines_of_a_clip_are_one_a_window_with_the_time_to_go() -> None:
    stream = io.StringIO()
    lines = PlainLines(plain(stream))
    for window in (2, 3, 4):
        for step in (1, 50, 100):
            lines.show(progress(step), None, place(window, kept=1, done=window - 2))
    assert stream.getvalue().splitlines() == [
        "frames 4 to 6 of 12",
        "frames 7 to 9 of 12, about 2 minutes left",
        "frames 10 to 12 of 12, about 30 s left",
    ]


def test_the_share_of_a_clip_is_of_what_this_run_has_to_do() -> None:
    assert place(2, kept=1).share(0.5) == pytest.approx(0.5 / 3)
    assert place(4, kept=1, done=2).share(1.0) == 1.0


def test_json_lines_of_a_clip_tell_the_window(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(Verbosity(json_lines=True, quiet=True))
    reporter.at(place(3, kept=1, done=1))
    reporter.show(progress(10), None)
    line = json.loads(capsys.readouterr().out)
    assert (line["window"], line["windows"], line["windows_done"], line["frames"]) == (3, 4, 2, 12)
