"""GitHub: PyGithub's REST calls and git push, behind the port ``Forge``.

In: nouns. Out: nouns or typed failures. Never: GraphQL, a client library's type outside this folder.
"""

from bot.edges.github.access import Access, ClonePlace
from bot.edges.github.addresses import checked_api, is_plain_loopback
from bot.edges.github.appkey import AppCredentials
from bot.edges.github.connection import Api, Connection
from bot.edges.github.feed import GitHubFeed
from bot.edges.github.forge import GitHubForge
from bot.edges.github.housekeeping import GitHubHousekeeping
from bot.edges.github.installations import Installations
from bot.edges.github.pace import Meter
from bot.edges.github.redelivery import HookDeliveries
from bot.edges.github.review import GitHubReview
from bot.edges.github.tokens import FixedToken, TokenSource

__all__ = [
    "Access",
    "Api",
    "AppCredentials",
    "ClonePlace",
    "Connection",
    "FixedToken",
    "GitHubFeed",
    "GitHubForge",
    "GitHubHousekeeping",
    "GitHubReview",
    "HookDeliveries",
    "Installations",
    "Meter",
    "TokenSource",
    "checked_api",
    "is_plain_loopback",
]
