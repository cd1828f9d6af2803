"""Source text of one area to Clues: readers for Go, Python and Node, package files for the rest."""
