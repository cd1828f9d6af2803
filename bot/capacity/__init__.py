"""Readings to headroom: what each node can still give."""
