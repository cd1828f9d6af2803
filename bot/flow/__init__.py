"""The order of steps: knows when, never how."""
