"""From `.inr` file to `.inr` file: what can be done to a field without its source; it fits and decodes nothing itself."""
