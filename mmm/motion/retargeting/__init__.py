"""Retargeting: transferring a motion to a body with other joints and proportions."""
