"""Jobs over HTTP: asked for, watched and cancelled, with the data files that they read."""
