"""The library: retrieves cited knowledge for a plan, on this machine and without a model.

In: words. Out: pieces, best first, the same for the same input. Never: an exception, a piece that nobody can cite.
"""

from bot.edges.library.guidance import guidance
from bot.edges.library.library import Embed, FtsLibrary, pages_of

__all__ = ["Embed", "FtsLibrary", "guidance", "pages_of"]
