"""The commands that are no analyses, in the order of --help; each adds its own subparser."""

from convmixer_viz.commands import app, bench, evaluate, models, replay, train

COMMANDS = (
    replay.register,
    models.register,
    train.register,
    evaluate.register,
    bench.register,
    app.register,
)
