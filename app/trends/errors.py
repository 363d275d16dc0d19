"""What can go wrong when a trend is asked for."""

from app.core.errors import InvalidRequest


class SubstanceRequired(InvalidRequest):
    """The patient reports this measure about more than one substance, and craving of one is not craving of another.

    Ask again with `substance=`; `errors[0].params.substances` lists those that the patient reports about.
    """

    code = "substance_required"
    title = "Say which substance the trend is about."
