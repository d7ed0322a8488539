"""Cards and the table are what the logs say; what ships holds together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open

from convmixer_viz.presets.log import read
from convmixer_viz.training import cards
from convmixer_viz.weights import checkpoint
from tests.unit.presets.test_log import LOG, MEASURED

PRETRAINED = Path(__file__).parents[3] / "pretrained"
SHIPPED = sorted(path.stem for path in PRETRAINED.glob("*.json"))


def test_a_card_tells_its_log() -> None:
    text = cards.card(replace(LOG, measured=MEASURED, unreadable=["dark/00.png is empty"]))
    for part in (
        "**65.03%** of the 10,000 test pictures (6,503 right)",
        "top-5 98.01%",
        "0.0123",
        "last of 2 epochs",
        "1.5 hours on a processor (float32",
        LOG.command,
        "dark/00.png",
        "One seed is one seed",
        "no formal licence",
        "kernel 5×5, patch 2, GELU",
        "epochs 2, seed 0",
    ):
        assert part in text, part
    assert "rand augment" not in text


def test_a_card_names_optimizers_and_schedule() -> None:
    recipe = {**LOG.recipe, "muon": 0.1, "schedule": "cosine", "alternate": True, "small": 0}
    text = cards.card(replace(LOG, measured=MEASURED, recipe=recipe))
    assert "Muon for the pointwise matrices, AdamW for the rest, one cycle with a cosine" in text
    assert "muon 0.1, alternate True" in text and "schedule cosine" not in text
    older = cards.card(replace(LOG, measured=MEASURED))
    assert "Recipe: AdamW, one cycle, epochs 2, seed 0." in older and "Muon" not in older


def test_no_card_before_it_is_measured() -> None:
    with pytest.raises(ValueError, match="not measured"):
        cards.card(LOG)


def test_the_table_has_a_row_a_measured_log(tmp_path: Path) -> None:
    (tmp_path / f"{LOG.preset}.json").write_text(replace(LOG, measured=MEASURED).dumps())
    (tmp_path / "cifar10-256-8.json").write_text(replace(LOG, preset="cifar10-256-8").dumps())
    rows = cards.table(tmp_path).splitlines()
    assert len(rows) == 3
    assert rows[2].startswith("| `cifar10-128-8-k5` |") and "| 65.03% | 2 | CIFAR-10 |" in rows[2]


def test_the_zoo_is_small() -> None:
    assert SHIPPED
    assert sum(path.stat().st_size for path in PRETRAINED.iterdir()) < 30e6
    histories = PRETRAINED.glob("*.history.safetensors")
    assert all(path.stat().st_size <= 2.5e6 for path in histories)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_agree(name: str) -> None:
    log, weights = read(PRETRAINED / f"{name}.json"), PRETRAINED / f"{name}.safetensors"
    assert log.preset == name and log.measured is not None
    assert log.measured.weights_sha256 == checkpoint.read(weights).sha256
    assert (PRETRAINED / f"{name}.md").read_text() == cards.card(log)
    history = PRETRAINED / f"{name}.history.safetensors"
    if history.exists():
        with safe_open(history, "pt") as file:
            kernels = file.get_tensor("depthwise")
            assert file.get_tensor("epochs")[-1] == len(log.epochs)
        last = [block.depthwise.weight[:, 0] for block in checkpoint.read(weights).module().walk()]
        assert all((kernels[-1, i].float() == w).all() for i, w in enumerate(last))
