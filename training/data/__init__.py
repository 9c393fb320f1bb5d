"""Prepared sets, masks and augmentation."""
