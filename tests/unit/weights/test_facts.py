"""What a table of presets says: published or measured, with or without weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from convmixer_viz.presets.log import Epoch, Measured, TrainingLog
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights.facts import preset_facts
from tests.unit.weights.conftest import ship

pytestmark = pytest.mark.usefixtures("own_folders")


def test_facts_say_what_is_published_or_measured(own_folders: Path) -> None:
    facts = preset_facts(PRESETS["imagenet-768-32"])
    assert (facts["parameters"], facts["multiply_adds"]) == (21_110_248, 20_676_851_712)
    assert (facts["published_multiply_adds"], facts["top1"]) == (19_550_000_000, 80.16)
    assert (facts["weights"], facts["bytes"], facts["sha256"]) == ("missing", 85_000_000, "")
    name = "cifar10-128-8-k3"
    path = ship(own_folders, name)
    assert preset_facts(PRESETS[name])["top1"] is None
    measured = Measured("", "cpu", 10_000, 8765, 9900, 0.01, 500, 438)
    epochs = [Epoch(epoch, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0) for epoch in (1, 2)]
    log = TrainingLog(name, {}, "", "", "float32", {}, {}, measured=measured, epochs=epochs)
    path.with_suffix(".json").write_text(log.dumps())
    facts = preset_facts(PRESETS[name])
    assert facts["top1"] == pytest.approx(87.65)
    assert facts["top1_is"] == "measured on 10,000 test pictures after 2 epochs"
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads(json.dumps(facts)) == facts
