"""Scenes of animated nodes, as FBX and glTF store them: the bodies in them, and their motion."""
