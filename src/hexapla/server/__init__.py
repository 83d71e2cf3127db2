"""The gateway over HTTP: an ASGI application and the process that serves it."""
