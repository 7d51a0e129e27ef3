"""How close a decoded signal is and what it costs: fidelity, rate and regions; nothing here prints or decides.

Every metric of the registry is called as `metric(reference, decoded, value_range)` with native samples and
gives a Python float, or None where it is not defined for signals of this size.
"""
