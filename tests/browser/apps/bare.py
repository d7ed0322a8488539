"""Streamlit's own elements on a bare page: what axe says of them isn't ours."""

import streamlit as st

st.title("Bare")
st.file_uploader("File")
