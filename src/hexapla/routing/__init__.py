"""Who is tried, in which order, for how long: pure decisions, with clock and chance as arguments."""
