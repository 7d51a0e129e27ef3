"""How close decoded samples are and what they cost: fidelity, bits and regions, of arrays alone.

Every metric of the registry is called as `metric(reference, decoded, value_range)` with native samples and
gives a Python float, or None where it is not defined for signals of this size.
"""
