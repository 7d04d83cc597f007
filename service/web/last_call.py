"""The end of a listening socket: nobody is let in any more, and nobody who is in is forgotten."""

import ctypes
import errno
import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

logger = logging.getLogger(__name__)

# A filter of the classic kind sees a segment from its TCP header on. The byte 13 holds the flags.
LOAD_FLAGS = (0x30, 0, 0, 13)  # ldb [13]
IF_SYN = (0x45, 0, 1, 0x02)  # jset #2, next, one further
DROP = (0x06, 0, 0, 0)  # ret #0
KEEP = (0x06, 0, 0, 0xFFFFFFFF)  # ret #-1
SO_ATTACH_FILTER = 26
# After any other error of `accept`, which is about the connection that was next, there is another.
NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
NO_LISTENER = frozenset((errno.EBADF, errno.EINVAL, errno.ENOTSOCK))


def refuse_new(listener: socket.socket) -> bool:
    """Drop requests for a connection, in all processes that share the socket; false if it can't be.

    Who has none yet tries again after a second, and then learns that nobody listens here. Without
    this, a connection that is made between the last `accept` and `close` would be reset.
    """
    program = b"".join(struct.pack("HBBI", *line) for line in (LOAD_FLAGS, IF_SYN, DROP, KEEP))
    memory = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HL", 4, ctypes.addressof(memory))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, header)
    except OSError as error:  # a kernel of another kind
        logger.info("no filter for the listening socket", extra={"why": error.strerror})
        return False
    return True


def accept_rest(listener: socket.socket) -> Iterator[socket.socket]:
    """Every connection that the kernel has made and nobody has taken."""
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in NO_ROOM | NO_LISTENER:
                logger.warning("connections are lost", extra={"why": error.strerror})
                return
            continue
        connection.setblocking(False)
        yield connection


def close_unless_asked(fileno: int) -> bool:
    """Close our side of an idle connection; false if its client has sent something after all.

    Looking and closing follow each other without a turn of the event loop between them, so that
    what a client loses must have been under way in the network itself.
    """
    line = socket.socket(fileno=fileno)  # a transport's own can't be shut down
    try:
        line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        with suppress(OSError):  # it has reset the connection meanwhile
            line.shutdown(socket.SHUT_WR)
        return True
    except OSError:
        return False
    finally:
        line.detach()  # the transport's to close
    return False
