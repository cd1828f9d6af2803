"""Starts the command line."""

def main() -> None:
    """Placeholder replaced by the command line."""

