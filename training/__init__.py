"""Training of the masked motion networks."""
