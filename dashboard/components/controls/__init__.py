"""Controls that Streamlit lacks: buttons, keyboard shortcuts, the tour, the window strip."""
