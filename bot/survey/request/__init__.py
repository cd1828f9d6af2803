"""A request for machines or a cluster in plain words becomes typed wishes; a closed table of phrases, no model."""
