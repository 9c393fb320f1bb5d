"""Streamlit components: the viewer, and the charts that follow its playhead."""
