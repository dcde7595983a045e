"""The plan registry: what published plans say, as files that people keep by hand, one row a fact."""
