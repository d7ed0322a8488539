"""tests/ mirrors the package: every module has a test of its name, or belongs to another's."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "convmixer_viz"
# a module without a test of its name → the test that it belongs to; a folder stands for all of it
BELONGS = {
    "analyses/kernels/weights.py": "unit/engine/test_memory.py",  # estimates of kernels
    "analyses/receptive_field/sums.py": "unit/analyses/receptive_field/test_measurement.py",
    "app/components/adding.py": "app/test_models.py",
    "app/components/canvas.py": "browser/test_canvas.py",
    "app/components/chart.py": "app/test_prediction.py",
    "app/components/copy_link.py": "browser/test_app.py",
    "app/components/fetching.py": "app/test_models.py",
    "app/components/foot.py": "browser/test_exports.py",
    "app/components/history.py": "browser/test_app.py",
    "app/components/kernel_importance.py": "app/test_kernels.py",
    "app/components/kernel_survey.py": "app/test_data.py",
    "app/components/kernel_tabs.py": "app/test_kernels.py",
    "app/components/opening.py": "app/test_pages.py",
    "app/components/preset_table.py": "app/test_models.py",
    "app/components/sidebar.py": "app/test_pictures.py",
    "app/components/target.py": "app/test_prediction.py",
    "app/data_pictures.py": "app/test_data.py",
    "app/glossary.py": "app/test_pages.py",
    "app/link.py": "app/test_links.py",
    "app/picture_list.py": "app/test_pictures.py",
    "app/progress_line.py": "browser/test_steadiness.py",
    "app/request_log.py": "app/test_operation.py",
    "app/router/look.py": "app/test_pages.py",
    "app/router/main.py": "app/test_pages.py",
    "app/router/start.py": "app/test_pages.py",
    "app/routes.py": "app/test_operation.py",
    "app/state.py": "app/test_session.py",
    "commands/compare.py": "unit/comparison/test_rows.py",
    "commands/peak.py": "unit/commands/test_bench.py",
    "commands/replay.py": "unit/export/test_bundle.py",
    "commands/train.py": "integration/training/test_loop.py",
    "comparison/against_first.py": "unit/comparison/test_rows.py",
    "comparison/columns.py": "unit/comparison/test_rows.py",
    "comparison/numbers.py": "unit/comparison/test_rows.py",
    "engine/models.py": "unit/test_workbench.py",
    "export/notebook.py": "integration/test_notebook.py",
    "export/records.py": "unit/export/test_bundle.py",
    "training/public_data.py": "integration/test_public_data.py",
    "training/run.py": "integration/training/test_loop.py",
    "weights/candidate.py": "unit/weights/test_collection.py",
    "weights/history.py": "unit/analyses/kernels/test_formation.py",
    "weights/verification.py": "unit/weights/test_collection.py",
}
MODULES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


# options and results of every row of the catalog
BELONGS |= {
    f"questions/{path.name}": "unit/test_contract.py"
    for path in (PACKAGE / "questions").glob("*.py")
    if path.stem != "__init__" and not (TESTS / "unit/questions" / f"test_{path.name}").is_file()
}


def namesakes(module: str) -> list[Path]:
    """app/pages/kernels.py → tests/app/test_kernels.py; engine/queue.py →
    tests/unit/engine/test_queue.py and tests/integration/engine/test_queue.py"""
    folder, name = (TESTS / module).relative_to(TESTS).parent, Path(module).name
    mirrored = [TESTS / kind / folder / f"test_{name}" for kind in ("unit", "integration")]
    pages = [TESTS / "app" / f"test_{name}"] if module.startswith("app/") else []
    return [path for path in (*mirrored, *pages) if path.is_file()]


def entry(module: str) -> str | None:
    """The line of the table that a module falls under."""
    return next((place for place in BELONGS if module.startswith(place)), None)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test_of_its_name_or_belongs_to_anothers(module: str) -> None:
    assert bool(namesakes(module)) != (entry(module) is not None), (
        f"write tests/unit/{Path(module).parent}/test_{Path(module).name}, or a line in BELONGS; "
        "never both"
    )


def test_the_table_names_what_is_there() -> None:
    assert {place for place in BELONGS if not (PACKAGE / place).exists()} == set()
    assert {test for test in BELONGS.values() if not (TESTS / test).is_file()} == set()


@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_folders_of_tests_are_folders_of_the_package(kind: str) -> None:
    folders = {path.parent.relative_to(TESTS / kind) for path in (TESTS / kind).rglob("test_*.py")}
    strange = {folder for folder in folders if not (PACKAGE / folder).is_dir()}
    assert strange <= {Path("findings")}  # its own code stands in tests/findings
