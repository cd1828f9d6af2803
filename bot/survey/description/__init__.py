"""The description's words to typed demand, by a documented table of phrases."""
