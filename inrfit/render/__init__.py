"""From a net to values: an output is laid over its domain, and kernels run what it shows, tile by tile."""
