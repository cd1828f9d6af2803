"""GitHub: PyGithub's REST calls and git push, behind the port ``Forge``.

In: nouns. Out: nouns or typed failures. Never: GraphQL, a client library's type outside this folder.
"""

from bot.edges.github.addresses import is_plain_loopback
from bot.edges.github.forge import GitHubForge
from bot.edges.github.tokens import FixedToken, TokenSource

__all__ = ["FixedToken", "GitHubForge", "TokenSource", "is_plain_loopback"]
