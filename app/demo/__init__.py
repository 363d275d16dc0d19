"""A clinic to look at: invented people with twelve weeks behind them, and a panel of real ones beside it.

A seeded simulator lives the past again through the services of the application, in the order of time and with the clock
of each moment, so that everything the service would have written is there: scores, links, audit entries, events, late
uploads. The same seed and the same present give the same clinic. Nothing here decides anything about a patient; the
figures of the stories are made up and claim nothing about the effect of ketamine.
"""
