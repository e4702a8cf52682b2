"""What is foretold of the memory, against tensors that are counted by hand."""

import gc
import weakref
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipcli.coords import pixel_grid
from pipcli.fit import memory
from pipcli.priors import build
from pipcli.settings import PRESETS, PUBLISHED, PriorName, Settings

PAPERS = {prior: row for (task, prior), row in PUBLISHED.items() if task == "denoise"}


class Squaring(nn.Module):
    """Keeps one float32 map of its three channels, and a parameter of constant size, for the way back."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1000, 1))

    def forward(self, coords: Tensor) -> Tensor:
        maps = (coords[:, :1] * self.weight[0]).expand(1, 3, -1, -1).clone()
        return maps.square() * self.weight.sum().detach()


def test_what_grows_with_the_pixels_is_counted() -> None:
    squaring = Squaring()
    foretold = memory.step_bytes(lambda size: squaring(pixel_grid(*size)), (100, 200))
    # The clone for the square, the coordinates' first channel (a view of both) for the first product, and nothing else.
    kept = (3 + 2) * 4 * 100 * 200
    assert foretold == pytest.approx((1 + memory.IN_FLIGHT) * kept, rel=0.01)


@pytest.mark.parametrize("table", [PRESETS, PAPERS], ids=["ours", "published"])
@pytest.mark.parametrize("members", [1, 3])
def test_more_pixels_and_members_take_more(table: dict, members: int) -> None:  # type: ignore[type-arg]
    for row in table.values():
        generators = [torch.Generator() for _ in range(members)]
        sizes = [(64, 64), (64, 128), (128, 128)]

        def generate(size: tuple[int, int], row: Settings = row, own: list[torch.Generator] = generators) -> Tensor:
            pictures: Tensor = build(row, size, 3, generators=own)(pixel_grid(*size))
            return pictures

        foretold = [memory.step_bytes(generate, size) for size in sizes]
        assert foretold[1] == pytest.approx(2 * foretold[0], rel=0.01)
        assert foretold[2] == pytest.approx(4 * foretold[0], rel=0.01)
        assert foretold[0] > members * 64 * 64 * 100


@pytest.mark.parametrize("prior", PRESETS)
@pytest.mark.parametrize("size", [(8, 8), (128, 128), (300, 200)])
def test_the_parameters_are_foretold(prior: PriorName, size: tuple[int, int]) -> None:
    def parameters(size: tuple[int, int]) -> list[Tensor]:
        return list(build(PRESETS[prior], size, 3, generators=[torch.Generator()]).parameters())

    counted = sum(tensor.numel() for tensor in parameters(size))
    # The tables of a hash grid end at a bound; the memory of networks on windows must not be made too little.
    assert counted <= memory.parameters_at(parameters, size) + 20 * size[0] < 3 * counted + 20 * size[0]


def test_a_member_holds_its_parameters_and_pictures() -> None:
    assert memory.member_bytes(1000, 3, (10, 20)) == 4 * (4 * 1000 + 6 * 3 * 200)


def test_this_process_takes_some_memory_and_more_is_left() -> None:
    available = memory.available_bytes(torch.device("cpu"))
    assert memory.used_bytes() >= 0
    assert available is None or available > 0


def test_a_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, unlimited = tmp_path / "memory.max", tmp_path / "other"
    limit.write_text(str(memory.used_bytes() + 10**8))
    unlimited.write_text("max\n")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (limit, unlimited, tmp_path / "missing"))
    available = memory.available_bytes(torch.device("cpu"))
    assert available is not None
    assert available < 2 * 10**8


def test_what_was_generated_to_foretell_is_freed() -> None:
    seen: list[weakref.ref[nn.Parameter]] = []

    def generate(size: tuple[int, int]) -> Tensor:
        parameter = nn.Parameter(torch.zeros(size))
        seen.append(weakref.ref(parameter))
        return parameter.exp()  # which saves its result

    memory.step_bytes(generate, (100, 100))
    gc.collect()
    assert [parameter() for parameter in seen] == [None, None]
