"""Raises on purpose."""

import streamlit as st

st.title("Before the mistake")
raise KeyError(__file__)
