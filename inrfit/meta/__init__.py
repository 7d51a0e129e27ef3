"""Learning to learn: from many signals to an init, and from an init to a field of a new signal in a few steps.

The way through: `tasks` puts crops of signals and their regions into one batch of tiles; a learner (`learner` says what
one is, `maml`, `reptile`, `modulation`, `hypernet` and `baselines` are the learners) says what each region starts with and
how a step changes it; `inner` runs those steps, with their derivatives where the outer step needs them; `train` is the
outer loop over a folder, and `init` what it leaves behind. `adapt` uses an init for one signal of any size.
"""
