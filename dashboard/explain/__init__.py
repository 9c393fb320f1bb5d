"""Views of attention maps, of changed music, and of attributions."""
