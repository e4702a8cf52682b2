"""The help is complete, agrees with the settings, and is instant."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from enum import Enum

import pytest
from typer.main import get_command

import pipcli
from pipcli.cli.app import app
from pipcli.cli.commands import photo_command
from pipcli.cli.renamed import with_new_names
from pipcli.settings import NoiseName, PriorName, Quality, StopName
from pipcli.tasks import denoise, options
from support.running import ENVIRONMENT, PATIENCE, Run

Command = Callable[..., Run]
COMMAND = get_command(app).commands["denoise"]  # type: ignore[attr-defined]
OPTIONS = [parameter for parameter in COMMAND.params if parameter.name != "help"]
GROUP = get_command(app).commands["degrade"]  # type: ignore[attr-defined]
OTHERS = {
    "compare": get_command(app).commands["compare"],  # type: ignore[attr-defined]
    "video": get_command(app).commands["video"],  # type: ignore[attr-defined]
    **{f"degrade {name}": command for name, command in GROUP.commands.items()},
}


@pytest.fixture
def help_text(command: Command) -> str:
    """What `pip-restore denoise --help` prints, without its line breaks."""
    run = command("denoise", "--help")
    assert run.code == 0
    assert run.err == b""
    return " ".join(run.out.decode().split())


def entry(help_text: str, option: str) -> str:
    """What the list of options says of one."""
    return re.split(r" --[a-z]", help_text.split("Options:")[1].split(f"--{option} ")[1])[0]


@pytest.mark.parametrize("parameter", OPTIONS, ids=lambda parameter: parameter.name)
def test_every_option_has_a_help_text_that_is_a_sentence(parameter: object, help_text: str) -> None:
    text = parameter.help  # type: ignore[attr-defined]
    assert text, f"{parameter} has no help"
    assert re.search(r"[.\]]$", text)
    assert " ".join(text.split()) in help_text


@pytest.mark.parametrize("name", OTHERS)
def test_every_option_of_the_other_commands_has_a_help_text_too(name: str, command: Command) -> None:
    printed = " ".join(command(*name.split(), "--help").out.decode().split())
    for parameter in OTHERS[name].params:
        if parameter.name != "help":
            assert parameter.help, f"{parameter} has no help"
            assert re.search(r"[.\]]$", parameter.help)
            assert parameter.opts[-1].lstrip("-") in printed or parameter.param_type_name == "argument"


def test_the_options_of_the_issue_are_all_there(help_text: str) -> None:
    named = {option for parameter in OPTIONS for option in parameter.opts}
    assert {"--sigma", "--prior", "--quality", "--paper", "--steps", "--time-limit", "--stop", "--seed"} <= named
    assert {"--device", "--reference", "--sheet", "--json", "--overwrite", "-o", "-q", "-v"} <= named
    assert all(option in help_text for option in named if option.startswith("-"))


def test_the_help_has_examples(help_text: str) -> None:
    examples = help_text.split("Examples:")[1].split("Arguments:")[0]
    assert examples.count("pip-restore denoise ") >= 2


def test_the_defaults_in_the_help_are_those_of_the_command(help_text: str) -> None:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(photo_command("denoise", denoise.ROW.photos)).parameters.items()
    }
    assert defaults["prior"] is PriorName.PIP
    assert defaults["quality"] is Quality.STANDARD
    for name in ("prior", "quality", "seed", "device"):
        value = defaults[name].value if isinstance(defaults[name], Enum) else defaults[name]
        assert re.search(rf"\[default: {value}[;\]]", entry(help_text, name)), name


@pytest.mark.parametrize(
    ("option", "choices"), [("prior", PriorName), ("quality", Quality), ("stop", StopName), ("noise", NoiseName)]
)
def test_the_choices_are_listed(option: str, choices: type[Enum], help_text: str) -> None:
    assert all(choice.value in entry(help_text, option)[:80] for choice in choices)


def test_units_are_said(help_text: str) -> None:
    assert "grey levels of 255" in help_text
    assert "time in seconds" in help_text
    for words in ("photons at white", "share of hit samples", "share of the brightness", "quality"):
        assert words in entry(help_text, "level")


def test_without_arguments_comes_the_help(command: Command) -> None:
    run = command()
    assert run.code == 0
    assert b"denoise" in run.out
    assert run.out.count(b"\n") > 5
    assert run.err == b""


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_program_lists_its_commands(flag: str, command: Command) -> None:
    run = command(flag)
    assert run.code == 0
    assert b"denoise  " in run.out


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version") == Run(0, f"pip-restore {pipcli.__version__}\n".encode(), b"")


def test_an_unknown_command_is_a_usage_error(command: Command) -> None:
    run = command("denoize")
    assert run.code == 2
    assert "denoize" in run.message


def test_help_loads_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys\n"
        "from pipcli.cli.app import run\n"
        "for words in ('', 'denoise', 'compare', 'degrade', 'degrade noise', 'degrade blur'):\n"
        "    assert run([*words.split(), '--help']) == 0, words\n"
        "heavy = {'torch', 'numpy', 'PIL', 'rich.progress', 'tifffile', 'imagecodecs'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, timeout=PATIENCE, check=False
    )
    assert run.returncode == 0, run.stderr


def test_the_standard_stream_is_a_dash() -> None:
    assert str(options.STANDARD_STREAM) == "-"


def test_the_help_of_sr_names_the_kernel_for_pixel_art(command: Callable[..., Run]) -> None:
    said = " ".join(command("sr", "--help").out.decode().replace("│", " ").split())
    assert "For pixel art: box" in said


def test_the_options_are_in_groups(command: Command) -> None:
    for task in ("denoise", "deblur", "video"):
        text = command(task, "--help").out.decode()
        sections = re.split(r"\n(?=[A-Z][a-z]+:\n)", text)
        found = {section.split(":")[0]: section for section in sections[1:]}
        for group, option in {
            "Output": "--overwrite",
            "Noise": "--sigma",
            "Generator": "--prior",
            "Stopping": "--steps",
            "Reports": "--json",
        }.items():
            assert f"\n  {option} " in found[group] or f"\n  {option}\n" in found[group], (task, option)
        assert text.count("--sigma LEVELS") == 1


@pytest.mark.parametrize(
    ("arguments", "replaced", "said"),
    [
        (["deblur", "a.png", "--kernel", "k.png"], ["deblur", "a.png", "--kernel-file", "k.png"], 1),
        (["deblur", "--kernel=k.png", "a.png"], ["deblur", "--kernel-file=k.png", "a.png"], 1),
        (["degrade", "blur", "a", "--kernel-output", "k"], ["degrade", "blur", "a", "--save-kernel", "k"], 1),
        (["sr", "a.png", "--kernel", "box"], ["sr", "a.png", "--kernel", "box"], 0),
        (["deblur", "--", "--kernel"], ["deblur", "--", "--kernel"], 0),
    ],
)
def test_old_names_of_options_are_taken(arguments: list[str], replaced: list[str], said: int) -> None:
    lines: list[str] = []
    assert with_new_names(arguments, lines.append) == replaced
    assert len(lines) == said


def test_an_old_name_is_announced(command: Command) -> None:
    run = command("deblur", "nowhere.png", "--kernel", "none.png")
    assert run.code == 2
    assert b"--kernel is called --kernel-file now" in run.err
