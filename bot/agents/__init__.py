"""Judgement on the belt: collector, planner, reviewer; rule first, model second, limits last."""
