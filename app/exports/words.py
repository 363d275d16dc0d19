"""The sentences of the copy. They say what is true of this service today, in words for a patient."""

from typing import Final

from app.exports.schemas import Kept, LeftOut

NOTICE: Final = (
    "This is your own copy of your record. It shows what you reported and what was written down about your care. "
    "It is not medical advice, a diagnosis or a prediction. Please talk about it with your clinic."
)

KEPT: Final = (
    Kept(
        what="Your check-ins, dosing sessions, appointments and consents",
        how_long="They are part of your clinical record. Your clinic keeps them for as long as the law of its place "
        "asks, often many years. Nothing of them is deleted by itself, and signing out or deleting the app does not "
        "delete them.",
    ),
    Kept(
        what="Earlier versions of what you corrected, and what your phone sent and could not be accepted",
        how_long="As long as the check-ins themselves, so that nothing you wrote is lost.",
    ),
    Kept(
        what="What was written down around each dose, unwanted effects, and what the clinic's rules found",
        how_long="As long as the dosing sessions themselves. Corrections are kept beside what they correct.",
    ),
    Kept(
        what="Your care plan, your safety plan and what you were rewarded for",
        how_long="As long as your clinical record, in every version.",
    ),
    Kept(
        what="What you practised",
        how_long="As long as your clinical record, as you last wrote it. What you changed in it is not kept.",
    ),
    Kept(
        what="Your journal",
        how_long="Until you delete an entry. Then it is gone at once and for good; backups run out later.",
    ),
    Kept(
        what="The list of who opened your record",
        how_long="As long as the record. Nobody can take an entry out of it.",
    ),
    Kept(
        what="The phones and browsers that you signed in with",
        how_long="Their names and times stay in the list after they are signed out.",
    ),
    Kept(
        what="This copy",
        how_long="The clinic does not keep it: it was made when you asked, and what you saved is yours alone.",
    ),
)

LEFT_OUT: Final = (
    LeftOut(
        what="Your password and the keys of your devices",
        why="They are secrets that only serve to sign in. The clinic itself cannot read your password.",
    ),
    LeftOut(
        what="What somebody wrote to explain an access to your record in an emergency, and what was said of it later",
        why="It may tell of other people. That there was one stands under who read your record. You have a right to "
        "ask your clinic for the rest.",
    ),
    LeftOut(
        what="What the service needs to do its work: messages that wait, invitations, how far ahead your check-ins are "
        "planned, what tells your other phones that something is gone, the summary of your record that your care team "
        "sees in a list, numbers to sort and count by",
        why="It tells nothing about you that does not stand elsewhere in this copy.",
    ),
    LeftOut(
        what="What somebody wrote to explain why they or a room were booked twice at the same time",
        why="It may tell of other people. When and with whom your appointments were stands in this copy.",
    ),
    LeftOut(
        what="The address of your calendar feed",
        why="It is a secret: whoever has it can read the feed. The app shows it to you.",
    ),
    LeftOut(
        what="Entries of your journal that you deleted",
        why="They are gone for good. Nobody has them, neither your clinic nor this service.",
    ),
    LeftOut(
        what="Papers and notes that the clinic keeps elsewhere",
        why="Only your clinic has them. You have a right to ask for those as well.",
    ),
)

NOT_ANSWERED: Final = "not answered"
"""What stands where an answer is missing: never a zero."""

EXPLAINED: Final = (
    ("Check-in", "One report of how you were at one moment, sent by you or written down with you."),
    ("Measure", "One number that a check-in yields, such as craving from 0 to 10."),
    ("Dosing session", "A planned visit at which the clinic gives a dose and watches over you."),
    ("Reading", "Blood pressure, pulse and other values of one moment of a session, as staff wrote them down."),
    ("Alert", "A rule of the clinic found something, and somebody of the clinic has to look at it."),
    ("Baseline", "Your usual value before your first dose: the middle one of the values of the days before it."),
    ("Latest", "The mean of your values on the last seven days that have any."),
    (
        "Change",
        (
            "How the latest value differs from the baseline. It is called better or worse only where it differs by at "
            "least as much as your clinic's rule asks for. It does not say why."
        ),
    ),
    ("Relief", "The time after a dose in which the value stays better than the baseline by that much."),
    ("Due", "When a check-in was asked for. One that you missed is shown as missed, and never counts as a zero."),
    ("Not wanted any more", "A check-in that was planned and then taken back, for instance since a session moved."),
    ("Practice", "What you did between appointments, such as minutes of mindfulness or an exercise."),
    ("Gap", "Days without a check-in. Nothing is drawn there, and nothing is guessed."),
    ("Not answered", "A question that was left out. It never counts as zero."),
    ("Clock was off", "Your phone's clock ran ahead. The check-in is kept and shown, but counts in no figure."),
)

UNPRINTABLE: Final = (
    "The sign \u2610 stands for letters or pictures that the typeface of this PDF does not have, such as emoji or "
    "Arabic. Nothing is lost: the HTML copy and the JSON copy of this record hold every word as you wrote it."
)

SHORTENED: Final = (
    "A PDF of your whole record would have hundreds of pages. This one holds the newest {shown} of {all} check-ins "
    "one by one, and all of them in the figures by month. The HTML copy and the JSON copy hold every one."
)

EARLIER: Final = (
    "A PDF of all of it would have hundreds of pages. What is older stands in the HTML copy and the JSON copy of this "
    "record."
)
