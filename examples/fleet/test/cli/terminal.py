"""Runs a command on a terminal of its own: ^S, ^C, and ^C again, as a person types them. Prints what was seen as JSON."""

import json
import os
import pty
import select
import sys
import termios
import time

LIMIT = 60


def main() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["HOME"] = "/nonexistent"
        os.execv(sys.argv[1], sys.argv[1:])
    before = termios.tcgetattr(terminal)
    seen = bytearray()

    def wait_for(text: bytes) -> bool:
        end = time.monotonic() + LIMIT
        while text not in seen and time.monotonic() < end:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                seen.extend(os.read(terminal, 65536))
            except OSError:
                break
        return text in seen

    wait_for(b"line")
    os.write(terminal, b"\x13")
    time.sleep(2)
    os.write(terminal, b"\x03")
    asked = wait_for(b"no further host begins")
    # The kernel lets output go on at ^C: stopped once more.
    os.write(terminal, b"\x13")
    time.sleep(0.5)
    os.write(terminal, b"\x03")
    stopped = wait_for(b"stopped while the command ran")
    after = termios.tcgetattr(terminal)
    _, status = os.waitpid(pid, 0)
    print(
        json.dumps(
            {
                "asked": asked,
                "stopped": stopped,
                "status": os.waitstatus_to_exitcode(status),
                "restored": before == after,
                "cursor_hidden": b"\x1b[?25l" in seen,
            }
        )
    )


main()
