"""How a clinic is doing, for its own quality work: counts over a period, with those of few people left out.

Nobody is named, and nobody can be found by comparing what is shown. A *cell* is one number of a row. A cell of fewer
patients than `reporting.smallest_group` is hidden, and so are as many others of its row as it takes that none can be
worked out from the total. A *period* is one of those into which the clinic divides its years (`reporting.months`), and
is shown when it is over: periods that overlapped could be subtracted from each other. Nothing is summed over rows.

Events: none; it only reads.
"""
