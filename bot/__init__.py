"""ai-provision: a comment on GitHub becomes a reviewed pull request with right-sized infrastructure."""

__version__ = "0.1.0"
