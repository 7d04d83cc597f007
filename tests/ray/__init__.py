"""Jobs on a Ray cluster whose nodes die."""
