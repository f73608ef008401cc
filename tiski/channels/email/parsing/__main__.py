"""The parser child: reads mails from its standard input and writes what they say to its standard output.

Frames are a length of four bytes, big-endian, and that many bytes of msgpack. The process limits itself before it reads
the first byte: it can open no socket worth having, write no file, and every mail gets its own ten seconds of CPU.
"""

import os
import resource
import signal
import struct
import sys
from typing import BinaryIO

import msgspec

from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Answer, Request, Unparseable
from tiski.channels.email.parsing.reading import parse

_LENGTH = struct.Struct(">I")


def main() -> int:
    """Answer requests until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit()
    requests, answers = os.fdopen(0, "rb", buffering=1024 * 1024), os.fdopen(1, "wb", buffering=1024 * 1024)
    decode, encode = msgspec.msgpack.Decoder(Request).decode, msgspec.msgpack.Encoder().encode
    while frame := _read(requests):
        _grant_cpu()
        answer = _answer(decode(frame))
        del frame
        try:
            payload = encode(answer)
        except MemoryError:
            answer = Answer(refused="memory", leaving=True)
            payload = encode(answer)
        answers.write(_LENGTH.pack(len(payload)) + payload if len(payload) < 65536 else _LENGTH.pack(len(payload)))
        if len(payload) >= 65536:
            answers.write(payload)
        answers.flush()
        if answer.leaving:
            return 1
    return 0


def _answer(request: Request) -> Answer:
    if request.probe_limits:
        return Answer(limits=_limits_in_force())
    try:
        return Answer(parsed=parse(request))
    except Unparseable as problem:
        return Answer(refused=problem.reason)
    except MemoryError:
        return Answer(refused="memory", leaving=True)
    except Exception as problem:  # noqa: BLE001  whatever a hostile mail provokes, it costs that mail alone
        return Answer(refused=f"failed_{type(problem).__name__}")


def _read(requests: BinaryIO) -> bytes:
    head = requests.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return b""
    return requests.read(_LENGTH.unpack(head)[0])


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.MEMORY_BYTES, limits.MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.OPEN_FILES, limits.OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _grant_cpu()


def _grant_cpu() -> None:
    """Ten more seconds from here; the kernel ends the process when they are used up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + limits.CPU_SECONDS, hard))


def _limits_in_force() -> dict[str, int]:
    names = {
        "as": resource.RLIMIT_AS,
        "cpu": resource.RLIMIT_CPU,
        "fsize": resource.RLIMIT_FSIZE,
        "nofile": resource.RLIMIT_NOFILE,
    }
    found = {name: resource.getrlimit(limit)[0] for name, limit in names.items()}
    try:
        bytearray(limits.MEMORY_BYTES)
    except MemoryError:
        found["memory_refused"] = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
