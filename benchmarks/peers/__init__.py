"""The servers that the acknowledgement benchmark compares, each a process of its own on a socket that is handed down."""
