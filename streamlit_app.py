"""The app, for `streamlit run streamlit_app.py`: it reads this file for the line `app = …`."""

import streamlit as st

from convmixer_viz.app import server

app = st.App(
    server.SCRIPT,
    middleware=server.MIDDLEWARE,
    routes=server.ROUTES,
    lifespan=server.lifespan,
    on_script_error=server.tell_of_error,
)
