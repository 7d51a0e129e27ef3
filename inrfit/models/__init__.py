"""Models: descriptions of the networks, their sizes and initial weights. Nothing here runs a network."""
