"""Films and still pictures, drawn without a browser."""
