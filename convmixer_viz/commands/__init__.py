"""The commands besides the analyses, in the order of --help; each module adds its subparser."""

from convmixer_viz.commands import app, bench, cache, compare, data, evaluate, models, replay, train

COMMANDS = (
    compare.register,
    replay.register,
    models.register,
    data.register,
    train.register,
    evaluate.register,
    bench.register,
    cache.register,
    app.register,
)
