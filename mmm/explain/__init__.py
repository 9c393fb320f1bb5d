"""What the music does to a result: interventions, attributions, deletion curves."""
