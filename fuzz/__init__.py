"""Fuzzing of everything that reads other people's text: ``python -m fuzz.run SECONDS``.

In: seeds and dictionaries of this folder. Out: a table with executions and crashes. Never: a network, a started program
other than the harness itself.
"""
