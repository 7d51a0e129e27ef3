"""What becomes of a field after its fit: crops, which copy bytes, and extensions, which fit only what is added."""
