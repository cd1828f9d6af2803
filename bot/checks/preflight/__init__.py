"""Is there really room, now? Twelve tests of a plan against fresh readings, at planning and again before an apply."""
