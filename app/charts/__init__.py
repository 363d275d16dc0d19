"""Charts of one patient's values, drawn by hand as SVG and turned into PNG on request.

The package draws and nothing else: no database, no clock, no statistics. What it is given (`pictures.py`) has been
computed elsewhere; it never adds a value, joins values across a gap, draws a missing value as zero, or draws a curve
into the future.

Vocabulary: a *picture* is everything one chart shows; a *run* is a stretch of values without a gap; a *dose marker* is
the triangle above the plot; a *window* is the shaded time after a dose; a *mark* is the onset or the return of one
dose's relief.

The y axis always spans the whole range of the measure (0-10, 0-27, ...), whatever the values are. A chart that zooms in
on its values would make a change of one point look like a fall from a cliff.

Where things are: `pictures.py`, `course_pictures.py` and `session_pictures.py` what goes in; `trend.py` (a measure over
the calendar), `dose_aligned.py` and `pooled.py` (around doses, one by one and as one), `adherence.py` (the calendar of
check-ins), `course.py` (the overview on one page) and `session.py` the charts; `png.py` their pixels. What they draw
with: `frame.py` document, heading, scale, legend; `series.py` and `runs.py` values and gaps; `doses.py`, `visits.py`,
`strips.py` and `kept.py` the lanes; `calendar.py` and `since_dose.py` the two axes of time; `labels.py` keeps labels
apart; `words.py`, `course_words.py`, `session_words.py` and `spoken.py` speak; `svg.py`, `glyphs.py` and `theme.py`
draw.

Emits no events.
"""
