"""Limits that a child process puts on itself before it looks at a file from outside."""

import ctypes
import logging
import os
import resource
import signal
from dataclasses import dataclass

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child process may use; sizes in bytes, processor time in seconds."""

    address_space: int
    cpu_s: int
    file_size: int
    open_files: int = 256


def confine(limits: Limits, parent: int) -> None:
    """Limit this process for good, end it with its parent, and cut it off the network.

    Called before any thread starts: a namespace applies to the calling thread only.
    """
    die_with_parent(parent)
    resource.setrlimit(resource.RLIMIT_AS, (limits.address_space, limits.address_space))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_size, limits.file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = min(limits.open_files, hard) if hard != resource.RLIM_INFINITY else limits.open_files
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    if not leave_network():
        logger.debug("no network namespace can be had here; the child keeps the network")


def narrow_memory(address_space: int) -> None:
    """Allow this process less for a while; `widen_memory` gives back what it was started with."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    is_less = hard == resource.RLIM_INFINITY or address_space < hard
    resource.setrlimit(resource.RLIMIT_AS, (address_space if is_less else hard, hard))


def widen_memory() -> None:
    """As much as this process was started with."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that happens.

    `parent` is the process that started this one, as it knew itself: it may be gone by now.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)


def leave_network() -> bool:
    """Move into an empty network namespace; false where the platform doesn't allow it."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET)
    return any(libc.unshare(flag) == 0 for flag in flags)
