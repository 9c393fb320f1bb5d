"""Published test protocols, on the published data where it is at hand and on any other motion."""
