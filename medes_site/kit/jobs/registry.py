"""The handlers, by kind. An app registers its own in its `tasks.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medes_site.kit.jobs.errors import UnknownJobKind

if TYPE_CHECKING:
    from medes_site.kit.jobs.context import JobContext

HandlerFunction = Callable[["JobContext"], None]


@dataclass(frozen=True, slots=True)
class JobHandler:
    """How one kind of job is done: `run` on queue `queue`, begun at most `max_attempts` times."""

    kind: str
    queue: str
    max_attempts: int
    run: HandlerFunction


_handlers: dict[str, JobHandler] = {}


def job_handler(
    *, kind: str, queue: str = "default", max_attempts: int = 3
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Registers the decorated function as the one handler of `kind`.

    A handler may be started again after a crash, so it must skip what an earlier attempt has done and
    write only inside `context.fenced()`. Raises ValueError for a kind registered by another function.
    """
    if max_attempts < 1:
        raise ValueError("max_attempts must be at least 1")

    def register(function: HandlerFunction) -> HandlerFunction:
        known = _handlers.get(kind)
        if known and _name(known.run) != _name(function):
            raise ValueError(f"{kind!r} is handled by {_name(known.run)} already")
        _handlers[kind] = JobHandler(kind, queue, max_attempts, function)
        return function

    return register


def _name(function: HandlerFunction) -> str:
    """A module imported a second time under its own name is no clash."""
    return f"{function.__module__}.{function.__qualname__}"


def handler_for(kind: str) -> JobHandler:
    """Raises UnknownJobKind."""
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownJobKind(kind) from None
