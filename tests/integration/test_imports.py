"""What common work loads: no library that it could do without, since each costs a second."""

from __future__ import annotations

import subprocess
import sys

import pytest

# what is done, in a process of its own, and the modules that must not stand there afterwards; a
# lazily loaded name stands there at once: look for a part
LIGHT = {
    "a log is read": (
        "import convmixer_viz.presets.log, convmixer_viz.training.recipes, "
        "convmixer_viz.training.cards",
        {"torch", "torch._C"},
    ),
    "the names of ImageNet's classes": (
        "from convmixer_viz.presets import classes; classes.names('imagenet')",
        {"torch", "torch._C", "torchvision", "torchvision.models"},
    ),
    "a picture is decoded": (
        "from convmixer_viz.pictures import decode; decode.load('gallery:cat')",
        {"torch", "torch._C", "skimage", "scipy"},
    ),
    "weights are located": (
        "from convmixer_viz.weights import locate\n"
        "from convmixer_viz.weights.facts import preset_facts\n"
        "for preset in locate.all_presets().values(): preset_facts(preset)",
        {"torch", "torch._C", "huggingface_hub.hf_api"},
    ),
    "models are listed": (
        "from convmixer_viz.cli import main\n"
        "for line in (['models'], ['models', 'show', 'cifar10-256-8'], ['models', 'show', 'x']):\n"
        "    main(line)",
        {"torch._C"},
    ),
}


@pytest.mark.parametrize(("code", "absent"), LIGHT.values(), ids=LIGHT)
def test_no_more_is_loaded_than_it_takes(code: str, absent: set[str]) -> None:
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules = set(done.stderr.splitlines()[-1].split())
    assert "convmixer_viz" in modules and not absent & modules
