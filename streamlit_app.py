"""The app: streamlit run streamlit_app.py."""

from convmixer_viz.app.server import app as app
