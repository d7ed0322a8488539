"""What scripts rely on: names of the package, the workbench, results and commands."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

import convmixer_viz
from convmixer_viz import catalog, cli
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.workbench import Workbench

FIELDS = {
    "prediction": {"logits", "probabilities", "top", "classes"},
    "evidence": {"maps", "bias", "logit", "probe_top", "probe_probability", "blocks"},
    "attribution": {"pixels", "tokens", "signed", "completeness"},
    "kernels": {"weights", "blocks"},
    "receptive-field": {"pixels", "tokens", "sigma", "ratio", "theoretical", "blocks"},
    "representation": {"gram", "blocks"},
}
COMMANDS = {
    "prediction", "evidence", "attribution", "faithfulness", "activations", "kernels", "kernel",
    "patch-embedding", "structure", "receptive-field", "representation", "compare", "replay",
    "models", "train", "evaluate", "bench", "app",
}  # fmt: skip
NAMES = {
    "imagenet-768-32", "imagenet-1024-20", "imagenet-1536-20", "cifar10-256-8", "imagenette-256-8",
    "imagenette-256-8-p7", *(f"cifar10-128-8-{end}" for end in
                             ("k3", "k5", "k9", "k5-relu", "k5-p4", "k5-plain")),
}  # fmt: skip
METHODS = {
    "saliency", "input-x-gradient", "integrated-gradients", "smoothgrad", "gradient-shap",
    "grad-cam", "hirescam", "layer-cam", "occlusion", "rise", "kernel-shap", "guided-backprop",
    "deeplift",
}  # fmt: skip


def test_the_package_gives_a_workbench() -> None:
    assert convmixer_viz.Workbench is Workbench
    misspelt = "Workbnech"
    with pytest.raises(AttributeError, match=misspelt):
        getattr(convmixer_viz, misspelt)


VERBS = ["run", "steps", "predict", "explain", "draw", "save", "load", "add"]


@pytest.mark.parametrize("name", VERBS)
def test_the_workbench_has_its_verbs(name: str) -> None:
    assert inspect.getdoc(getattr(Workbench, name))


@pytest.mark.parametrize(("name", "names"), FIELDS.items())
def test_results_have_the_fields_that_others_rely_on(name: str, names: set[str]) -> None:
    assert names <= {field.name for field in fields(catalog.find(name).result_type)}


def test_presets_and_commands_have_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(PRESETS) >= NAMES
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert set(capsys.readouterr().out.split()) >= COMMANDS


def test_attribution_has_its_methods(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["attribution", "--help"])
    text = capsys.readouterr().out
    assert all(method in text for method in METHODS)
