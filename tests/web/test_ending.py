"""What a worker knows of its end, and of that of all."""

import os

from service.web.ending import Ending


def test_a_worker_drains_alone_or_with_all() -> None:
    alone, all_ = Ending(), Ending()
    assert not alone.is_draining
    alone.begin()
    all_.begin_everywhere()
    assert (alone.is_draining, alone.is_everywhere, alone.is_hurried) == (True, False, False)
    assert (all_.is_draining, all_.is_everywhere, all_.is_hurried) == (True, True, False)
    alone.hurry()
    assert alone.is_hurried


def test_what_the_master_says_after_the_fork_is_seen_in_the_worker() -> None:
    ending = Ending()
    ours, theirs = os.pipe()
    worker = os.fork()
    if not worker:
        os.read(ours, 1)
        os._exit(int(ending.is_everywhere))
    ending.begin_everywhere()
    os.write(theirs, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == 1
    os.close(ours)
    os.close(theirs)
