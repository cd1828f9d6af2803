"""Files to findings: syntax, schema, policy, capacity, secrets."""
