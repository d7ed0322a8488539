"""The commands that are no analyses, in the order of --help; each adds its own subparser."""

from convmixer_viz.commands import app, bench, compare, evaluate, models, replay, train

COMMANDS = (
    compare.register,
    replay.register,
    models.register,
    train.register,
    evaluate.register,
    bench.register,
    app.register,
)
