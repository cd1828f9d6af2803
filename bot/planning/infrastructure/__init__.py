"""Wishes for machines and clusters become a placed plan."""
