"""What goes wrong on our own side, as errors for the client."""

from __future__ import annotations

import logging

from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError
from hexapla.routing.exchange import param_of

LOG = logging.getLogger("hexapla")


class LeavingError(GatewayError):
    """The gateway shuts down: the one error of ours after which another try makes sense at once."""

    def __init__(self) -> None:
        message = "The gateway is shutting down; ask again in a moment."
        super().__init__(Kind.OVERLOADED, message, retry_after=1)


def as_gateway_error(error: GatewayError | ProtocolError) -> GatewayError:
    """A parser's complaint about the client's body as the client's error."""
    if isinstance(error, GatewayError):
        return error
    return ClientError(Kind.INVALID_REQUEST, error.message, param=param_of(error.path))


def internal(fault: Exception) -> GatewayError:
    """A bug as the client's error; its traceback goes to the log, once, and nowhere else."""
    LOG.error("A request met an unexpected error.", exc_info=fault)
    return GatewayError(Kind.INTERNAL, "The gateway met an unexpected error; its log tells more.")
