"""The worker: from stored events to finished commands."""
