"""What clients see: the HTTP routes, the streaming sockets and their fan-out, on one port."""
