"""Exit codes by which the program of a job tells what it couldn't write into its row."""

from service.base.task import NO_ROOM

DONE = 0  # its end is in the row, or another attempt has taken over
FULL = NO_ROOM  # the disk is full: the job has failed
AGAIN = 69  # the database was away: begin again
LATER = 70  # something else is away that comes back, told in the last line it printed: begin again

__all__ = ["AGAIN", "DONE", "FULL", "LATER"]
