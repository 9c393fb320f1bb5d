"""Retargeting: a motion of one body on a body with other joints and proportions."""
