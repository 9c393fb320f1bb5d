"""Background work and result stores of the page; draws no widgets."""
