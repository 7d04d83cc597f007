"""The rows of a job: gathered once, divided, kept in its folder."""
