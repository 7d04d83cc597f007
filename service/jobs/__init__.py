"""The job table: what is asked, queued, run, watched and ended; knows nothing of models."""
