"""The servers that the acknowledgement benchmark compares, each in a process of its own."""
