"""Kernels: what did it learn to look for?"""

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import (
    kernel_importance,
    kernel_survey,
    kernel_tabs,
    kernels,
    opening,
)
from convmixer_viz.catalog import KERNEL, KERNELS
from convmixer_viz.foreign_text import escape

preset = session.bench().presets[session.choices().preset]
opening.draw(
    "Kernels",
    f"What {escape(preset.name)} learned to look for: each depthwise kernel, and what it measures.",
)

atlas = kernel_importance.joined(session.run(KERNELS))
block = kernels.choose_block(atlas)
left, right = st.columns([3, 2])
with right, st.container(key=kernels.DETAILS):
    channel = kernels.choose_channel(atlas)
    kernels.show_kernel(session.run_if(KERNEL, slot="kernel", block=block, channel=channel))
with left:
    kernels.show_population(atlas, block)
    kernels.show_firing(preset, block, channel)
    kernel_survey.show(preset, block, channel)
kernel_tabs.show(atlas, block, channel)
