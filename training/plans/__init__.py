"""What a run does: its plan, random masks, augmentation, and the named recipes."""
