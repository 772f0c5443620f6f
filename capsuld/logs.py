"""Logging, set up once, before anything else: one line an event, on the real standard error.

JSON where a machine reads it, aligned and coloured on a terminal.
"""

import logging
import sys

import structlog

# What a function held when it failed may be a token.
_without_locals = structlog.dev.RichTracebackFormatter(show_locals=False)


def set_up_logs(process: str) -> None:
    """`process` stands on every line. Libraries' own warnings come out in the same form."""
    stream = sys.__stderr__ or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    pretty = stream.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=_without_locals)
        if pretty
        else structlog.processors.JSONRenderer()
    )
    if pretty:
        # The renderer of a terminal draws tracebacks itself.
        shared.remove(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "httpcore", "pgqueuer", "uvicorn", "asyncssh"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)
