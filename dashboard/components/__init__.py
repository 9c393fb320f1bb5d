"""The dashboard's own components: the stage, the error map and the curves, all on one playhead."""
