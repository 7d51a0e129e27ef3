"""What descriptions are made of: affine maps, activations and encodings. They hold no weights.

Steps use the methods of the arrays they are given, so this room needs no tensor library of its own.
"""
