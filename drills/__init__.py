"""What needs more than the suite has: real data sets, a browser, an image. A drill that lacks its tool fails loudly."""
