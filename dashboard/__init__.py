"""The workbench in front of the model package."""
