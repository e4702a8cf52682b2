"""The real command with each generator, its frequencies and the penalties on its pictures."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipcli.settings import PriorName
from support.running import Run, lines_of, names, opened, smooth_picture

Command = Callable[..., Run]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return smooth_picture(tmp_path / "in.png", 20)


@pytest.mark.parametrize("prior", PriorName)
def test_every_prior_restores(denoise: Command, source: Path, tmp_path: Path, prior: PriorName) -> None:
    run = denoise(source, "--prior", prior, "--sigma", "25", "--json")
    assert run.code == 0, run.err
    start = lines_of(run)[0]
    assert start["settings"]["prior"] == prior
    assert start["precision"] == ("float32" if prior is PriorName.SIREN else start["precision"])
    assert opened(tmp_path / "in_denoised.png").size == (20, 20)


@pytest.mark.parametrize("prior", [PriorName.SIREN, PriorName.MLP, PriorName.HASH, PriorName.DECODER])
def test_published_settings_run_where_there_are_any(denoise: Command, source: Path, prior: PriorName) -> None:
    run = denoise(source, "--prior", prior, "--paper", "--json")
    assert run.code == 0, run.err
    settings = lines_of(run)[0]["settings"]
    assert settings["paper"]
    assert settings["tile"] is None


@pytest.mark.parametrize("prior", [PriorName.DIP_UNET, PriorName.DIP_RESNET])
def test_what_was_not_published_is_refused_in_one_line(
    denoise: Command, source: Path, tmp_path: Path, prior: PriorName
) -> None:
    run = denoise(source, "--prior", prior, "--paper")
    assert run.code == 2
    assert f"no settings of {prior} for denoise were published" in run.message
    assert names(tmp_path) == {"in.png"}


@pytest.mark.parametrize(
    ("prior", "words", "key", "value"),
    [
        ("pip", ["--max-frequency", "2"], "max_frequency", 2),
        ("pip", ["--paper", "--max-frequency", "2"], "max_frequency", 2),
        ("mlp", ["--max-frequency", "1"], "max_frequency", 1),
        ("mlp", ["--max-frequency", "0"], "max_frequency", None),
        ("siren", ["--omega", "12"], "omega", 12),
        ("pip", ["--tv", "0.1"], "tv", 0.1),
        ("hash", ["--tikhonov", "0.1"], "tikhonov", 0.1),
    ],
)
def test_frequencies_and_penalties_change_the_result_and_are_told(
    denoise: Command, source: Path, tmp_path: Path, prior: str, words: list[str], key: str, value: float | None
) -> None:
    written = []
    for named in (words, [word for word in words if word == "--paper"]):
        output = tmp_path / f"{len(written)}.png"
        run = denoise(source, "--prior", prior, *named, "--sigma", "25", "--steps", "15", "--json", "-o", output)
        assert run.code == 0, run.err
        written.append((lines_of(run)[0]["settings"][key], output.read_bytes()))
    assert written[0][0] == value
    assert written[0][1] != written[1][1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--prior", "dip", "--max-frequency", "5"], "--max-frequency applies to --prior pip and mlp only"),
        (["--prior", "siren", "--max-frequency", "5"], "--max-frequency applies to --prior pip and mlp only"),
        (["--max-frequency", "0"], "above 0, not 0"),
        (["--prior", "mlp", "--max-frequency", "-1"], "0 (the coordinates as they are) or more, not -1"),
        (["--prior", "mlp", "--max-frequency", "nan"], "not nan"),
        (["--omega", "30"], "--omega applies to --prior siren only"),
        (["--prior", "siren", "--omega", "0"], "above 0, not 0"),
        (["--tv", "-1"], "--tv is a weight, 0 or more, not -1"),
        (["--tikhonov", "inf"], "--tikhonov is a weight, 0 or more, not inf"),
    ],
)
def test_what_a_prior_does_not_have_and_numbers_out_of_range_are_refused(
    denoise: Command, source: Path, tmp_path: Path, words: list[str], reason: str
) -> None:
    run = denoise(source, *words)
    assert run.code == 2
    assert reason in run.message
    assert names(tmp_path) == {"in.png"}
