"""Published test protocols, on the published data where it is available and on any other motion."""
