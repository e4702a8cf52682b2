"""Running ffmpeg: finding it, starting it without a shell, reading its output, and its errors in one line."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from pipcli.errors import ExitCode, PipRestoreError
from pipcli.media.sources import shown

_KEPT_LINES = 200
_ERROR = re.compile(r"^(?:(?:\[[^\]]*\] )*\[(?:error|fatal|panic)\] |\w+ \[error\]: )")  # the latter by libx264 itself
_FOLLOWING = re.compile(  # what ffmpeg says after the reason, about its own parts
    r"^(Task finished|Terminating thread|Could not open encoder before|Nothing was written|Conversion failed"
    r"|Error (submitting|sending|while filtering|muxing a packet|closing file|opening output file|initializing)"
    r"|Error while (opening encoder|filtering)|Last message|Qavg|Error parsing global|Error splitting)"
)


class FfmpegFailure(PipRestoreError):
    """ffmpeg ended with an error; the message is its own reason, on one line."""


class FfmpegMissingError(PipRestoreError):
    """There is no ffmpeg, or none that starts."""

    exit_code = ExitCode.UNUSABLE


class PixelFormat(NamedTuple):
    """What ffmpeg says of a way to lay out samples."""

    name: str
    components: int
    depth: int

    @property
    def is_grey(self) -> bool:
        return self.name.startswith(("gray", "ya", "mono"))

    @property
    def is_rgb(self) -> bool:
        return self.name == "pal8" or re.match(r"0?(gbr|rgb|bgr|argb|abgr|x2rgb|x2bgr)", self.name) is not None

    @property
    def has_alpha(self) -> bool:
        return self.name == "pal8" or self.components in (2, 4) or self.name.startswith("ayuv")

    @property
    def subsampling(self) -> str:
        """Of the chroma: "420", "444" and the like; "444" for RGB, "" for grey."""
        if self.is_grey:
            return ""
        if self.is_rgb:
            return "444"
        if re.match(r"p4|nv24|nv42", self.name):
            return "444"
        if found := re.search(r"4[0-4][0-4]", self.name):
            return found[0]
        if re.match(r"nv12|nv21|p0", self.name):
            return "420"
        return "422" if re.match(r"nv16|nv20|p2|[yuv]{4}|y2", self.name) else "444"


class Process:
    """A running ffmpeg, whose remarks are read all the while so that it never waits for a reader.

    Args:
        arguments: after the program's name.
        source: writes to the standard input, else there is none.
        sink: reads from the standard output, else it is thrown away.
        listen: is given each line of the remarks; the last ones are kept in any case.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        source: bool = False,
        sink: bool = True,
        listen: Callable[[str], None] | None = None,
    ) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listen = listen
        # A session or, on Windows, a process group of its own: Ctrl-C is for us to answer, not for ffmpeg, which would
        # end the file too early.
        try:
            self._process = subprocess.Popen(
                [program(), "-hide_banner", *([] if source else ["-nostdin"]), *arguments],
                stdin=subprocess.PIPE if source else subprocess.DEVNULL,
                stdout=subprocess.PIPE if sink else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                restore_signals=False,  # a file that grows too large is then an error, which it can tell, not its end
            )
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise FfmpegMissingError(
                f"ffmpeg cannot be started as {shown(program())} ({error.strerror}): set IMAGEIO_FFMPEG_EXE to its path"
            ) from error
        self._reader = threading.Thread(target=self._read_remarks, daemon=True)
        self._reader.start()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    @property
    def source(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def sink(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def errors(self) -> tuple[str, ...]:
        """The lines that were errors, without the names of ffmpeg's parts, the first said first."""
        return tuple(_ERROR.sub("", line) for line in self._lines if _ERROR.match(line))

    @property
    def reason(self) -> str:
        """Why it failed, in its own words and on one line; to be asked after its end."""
        if self._process.returncode is not None and self._process.returncode < 0:
            return f"ffmpeg was ended by signal {-self._process.returncode}"
        reasons = [line for line in self.errors if not _FOLLOWING.match(line)]
        return shown((reasons or self.errors or ("it gave no reason",))[0]).strip(" .")

    def wait(self) -> int:
        """Wait for its end; the return code."""
        code = self._process.wait()
        self._reader.join()
        return code

    def kill(self) -> None:
        """End it now, if it runs, and let go of its pipes."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what was still to be written is of no use to anybody
                    pipe.close()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _read_remarks(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            self._lines.append(line)
            if self._listen is not None:
                self._listen(line)


def output_of(arguments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Run ffmpeg to its end: what it wrote to its standard output as text, and the lines that were errors.

    Raises:
        FfmpegFailure: it ended with an error.
    """
    with Process(arguments) as process:
        output = process.sink.read().decode("utf-8", "replace")
        if process.wait():
            raise FfmpegFailure(process.reason)
        return output, process.errors


def lines_of(process: Process) -> Iterator[str]:
    """The standard output of a running ffmpeg, line by line."""
    for raw in process.sink:
        yield raw.decode("utf-8", "replace").rstrip("\r\n")


@functools.cache
def program() -> str:
    """The path of ffmpeg.

    Raises:
        FfmpegMissingError: there is none for this machine, or one that cannot convert colours.
    """
    import imageio_ffmpeg  # type: ignore[import-untyped]

    try:
        path = str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FfmpegMissingError("there is no ffmpeg: install it, or set IMAGEIO_FFMPEG_EXE to its path") from error
    if Path(imageio_ffmpeg.__file__).parent not in Path(path).parents:  # that one is known to have all
        _check_filter(path)
    return path


def _check_filter(path: str) -> None:
    """See that another ffmpeg than the usual one has the filter that converts colours."""
    line = [path, "-hide_banner", "-h", "filter=zscale"]
    with contextlib.suppress(OSError):  # that it cannot be started is told when it is started
        asked = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, env=_environment(), check=False)
        if asked.returncode == 0 and b"Unknown filter" in asked.stdout + asked.stderr:
            raise FfmpegMissingError(
                f"{shown(path)} has no filter zscale, which converts colours: set IMAGEIO_FFMPEG_EXE to an ffmpeg with "
                "libzimg, or unset it"
            )


@functools.cache
def pixel_formats() -> dict[str, PixelFormat]:
    """All layouts of samples that ffmpeg knows, by name."""
    output, _ = output_of(["-v", "level+error", "-pix_fmts"])
    rows = re.findall(r"^[IOHPB.]{5} (\w+)\s+(\d+)\s+\d+\s+([\d-]+)$", output, re.MULTILINE)
    return {
        name: PixelFormat(name, int(components), max(map(int, depths.split("-")))) for name, components, depths in rows
    }


@functools.cache
def encoder_help(encoder: str) -> str:
    """What ffmpeg says of an encoder; "" where it has none of this name."""
    if not re.fullmatch(r"[\w-]+", encoder):
        return ""
    output, _ = output_of(["-v", "level+error", "-h", f"encoder={encoder}"])
    return output if output.startswith(f"Encoder {encoder} ") else ""


def file_url(path: Path) -> str:
    """A file as ffmpeg takes it literally, whatever its name begins with or holds."""
    return f"file:{os.fspath(path)}"


def _environment() -> dict[str, str]:
    """Ours, less what makes ffmpeg write a report into the working folder; its remarks without colours."""
    return {name: text for name, text in os.environ.items() if name != "FFREPORT"} | {"AV_LOG_FORCE_NOCOLOR": "1"}
