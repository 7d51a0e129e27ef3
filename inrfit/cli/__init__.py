"""The command line: the only room that knows a terminal. Commands import what they need when they run."""
