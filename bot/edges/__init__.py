"""All input and output: one outside party per file, behind a port."""
