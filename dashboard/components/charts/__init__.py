"""Charts and tables: curves, the error map, tables that are sorted by a click."""
