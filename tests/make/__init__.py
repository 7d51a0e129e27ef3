"""Makers of small signals, files, networks and inits that many tests use."""
