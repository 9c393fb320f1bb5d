"""The influence of music on a result: interventions, attributions, deletion curves."""
