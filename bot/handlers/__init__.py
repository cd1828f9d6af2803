"""What people can say: one file per command, one closed typed table; parse, permission and replies beside them."""
