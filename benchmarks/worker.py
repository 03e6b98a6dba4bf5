"""A process that answers calls of one module's functions, and is killed when an answer takes too long.

SymPy may run for ever on a simple difference, and a peer may crash with the interpreter it runs in, so the benchmarks call both
through a worker.  What a function imports and compiles stays loaded for the next call.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_CHILD = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what a library prints is no answer
module = importlib.import_module(sys.argv[2])
print("ready", file=answers, flush=True)
for line in sys.stdin:
    name, arguments = json.loads(line)
    try:
        answer = {"value": getattr(module, name)(*arguments)}
    except Exception as problem:
        answer = {"error": f"{type(problem).__name__}: {problem}"}
    print(json.dumps(answer), file=answers, flush=True)
"""


START = 300.0
"""Seconds that a process may take to import its module, which is not charged to the first call."""


class Worker:
    """Run functions of the module ``name`` of the folder of benchmarks in another process, one call at a time.

    Arguments and answers are what JSON can hold.  The process starts with the first call, and anew after one that was cut.
    """

    def __init__(self, name: str, folder: Path = Path(__file__).parent) -> None:
        self.name = name
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, function: str, *arguments: Any, seconds: float) -> Any:
        """Return what the function returns.

        Raises TimeoutError when it takes longer than ``seconds``, RuntimeError when it raises or its process dies.
        """
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps([function, arguments]).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process, time.monotonic() + seconds)
        except BrokenPipeError:
            line = b""
        except TimeoutError:
            self.close()
            raise TimeoutError(
                f"{self.name}.{function} took longer than {seconds:g} s and was killed"
            ) from None
        if not line:
            status = process.wait()
            self.close()
            raise RuntimeError(f"the process of {self.name}.{function} ended with status {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.name}.{function} raised {answer['error']}")
        return answer["value"]

    def close(self) -> None:
        """End the process; another call starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-P", "-c", _CHILD, str(self.folder), self.name]
            threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | threads
            )
            self._line(self._process, time.monotonic() + START)
        return self._process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
        """Return the next line that the process writes; empty when it ended."""
        assert process.stdout is not None
        read = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not read.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part:
                    return b""
                read += part
        return read
