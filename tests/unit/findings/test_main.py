"""Every finding runs by its name."""

from __future__ import annotations

import pytest

from convmixer_viz.presets.table import PRESETS
from tests.findings import __main__ as findings


def test_a_finding_is_chosen_by_name_or_all() -> None:
    assert findings.arguments(["all"]).name == "all"
    chosen = findings.arguments(["kernels", "--presets", "a", "b"])
    assert (chosen.name, chosen.presets) == ("kernels", ["a", "b"])
    with pytest.raises(SystemExit):
        findings.arguments(["colours"])


def test_every_finding_has_presets_and_a_protocol() -> None:
    for _, presets, protocol in findings.FINDINGS.values():
        assert set(presets) <= PRESETS.keys()
        assert protocol and "Protocol: " in protocol
