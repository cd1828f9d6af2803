"""Profile, demand and snapshot to Plan: sizing, placement, cost, confidence."""
