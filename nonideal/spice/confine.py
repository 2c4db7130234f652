"""Start a program that can write one folder only, read few others, start no other program and reach no network.

    python -I -S confine.py read:/usr write:/runs/x execute:/usr/bin/ngspice -- /usr/bin/ngspice -b deck.cir

The kernel sees to it (Landlock, Linux 5.13 and later; what a kernel does not know is left out, without Landlock everything is).
This file is run by its path and imports nothing of ours. It is the wall behind the wall: decks are checked before (`grammar`).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Final

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
PATH_BENEATH: Final = 1
NO_NEW_PRIVILEGES: Final = 38
EXECUTE, WRITE, READ, LIST, REMOVE_DIR, REMOVE = (1 << bit for bit in range(6))
MAKE_FILE, TRUNCATE = 1 << 8, 1 << 14
RIGHTS: Final = {
    "read": READ | LIST,
    "write": READ | LIST | WRITE | REMOVE | MAKE_FILE | TRUNCATE,
    "use": READ | WRITE,  # what is there, and files without a name
    "execute": READ | EXECUTE,
}
FILES_ONLY: Final = EXECUTE | WRITE | READ | TRUNCATE
"""Rights that a rule on a single file may give."""
NETWORK, SCOPES = 3, 3


def known() -> int:
    """The version of Landlock that the kernel has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, ctypes.CDLL(None).syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def confine(rules: list[tuple[str, str]]) -> None:
    """Take from this process, and all that it starts, what no rule (right, path) gives; paths that are not there give nothing."""
    version = known()
    if version < 1:
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    # Of the version: 13 rights on files at first, then moving files between folders, truncating, device controls.
    handled = (1 << (13 + min(version - 1, 2) + (version >= 5))) - 1
    words = [handled] + ([NETWORK] if version >= 4 else []) + ([SCOPES] if version >= 6 else [])
    attributes = struct.pack(f"{len(words)}Q", *words)
    ruleset = kernel.syscall(CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "no Landlock ruleset")
    for right, path in rules:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = RIGHTS[right] & handled & (-1 if os.path.isdir(path) else FILES_ONLY)
        rule = struct.pack("=Qi", allowed, place)
        if kernel.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, ctypes.c_uint32(0)) != 0:
            raise OSError(ctypes.get_errno(), f"no rule for {path}")
        os.close(place)
    if (
        kernel.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0
        or kernel.syscall(RESTRICT, ruleset, ctypes.c_uint32(0)) != 0
    ):
        raise OSError(ctypes.get_errno(), "Landlock refused")
    os.close(ruleset)


def main(arguments: list[str]) -> None:
    """Confine this process by the rules before `--` and become the program after it."""
    split = arguments.index("--")
    rules = [(right, path) for right, _, path in (rule.partition(":") for rule in arguments[:split])]
    program = arguments[split + 1 :]
    try:
        confine(rules)
        os.execv(program[0], program)
    except OSError as error:
        sys.stderr.write(f"cannot start {program[0]} confined: {error}\n")
        sys.exit(126)


if __name__ == "__main__":
    main(sys.argv[1:])
