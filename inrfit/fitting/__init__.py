"""Fitting: from a signal and a partition to a field. It yields facts as events and prints nothing."""
