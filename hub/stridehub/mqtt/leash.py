"""Runs a program that ends when its parent does, however that ends.

    python -m stridehub.mqtt.leash PARENT_PID USER COMMAND...

The kernel kills it then. USER, "" to stay who one is, is who the program runs as.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; forgotten where the user changes, so it comes after that


def main(arguments: Sequence[str]) -> NoReturn:
    parent, user, *command = arguments
    if user:
        _become(pwd.getpwnam(user))
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit("leash: the kernel has no prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != int(parent):
        sys.exit("leash: the parent has ended already")
    os.execvp(command[0], command)


def _become(user: pwd.struct_passwd) -> None:
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


if __name__ == "__main__":
    main(sys.argv[1:])
