"""The attention view: thumbnails of all maps, one large map, and its edges."""
