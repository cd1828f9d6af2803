"""The nouns: frozen, strict values that every stage takes in and hands out; no I/O, no clock, no settings."""
