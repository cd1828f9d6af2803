"""git: reads application repositories and folders. The only door to the ``git`` program for reading.

In: targets. Out: trees. Never: a write to a remote, an executed file of a repository.
"""

from bot.edges.git.limits import GitLimits
from bot.edges.git.remote import Remote, private_remote, public_remote, resolve_host
from bot.edges.git.repos import GitRepos

__all__ = ["GitLimits", "GitRepos", "Remote", "private_remote", "public_remote", "resolve_host"]
