"""Plan to files and pull-request text; the same input gives the same bytes."""
