"""Constants that are fitted to data rather than learned by gradient: calibration and generation
priors."""
