"""What people write, by mood. Invented; a few lines hold personal data, so that masking can be seen at work."""

import random

_Lines = dict[str, tuple[str, ...]]

_OPENING: _Lines = {
    "angry": (
        "This is the third time I write about the same charge. Unacceptable!",
        "My card is blocked again and nobody helps. I am furious.",
        "You charged me twice and ignored my complaint. This is terrible.",
    ),
    "annoyed": (
        "My transfer is still missing, that is annoying.",
        "The app crashes every time I log in. Not good.",
        "I was declined at the till with card 4111 1111 1111 1111, rather embarrassing.",
    ),
    "neutral": (
        "Hello, how do I change my address?",
        "Can you tell me the limit of my account?",
        "Where do I find my statement? You can write to me at dana.17@example.org.",
    ),
    "pleased": (
        "Hi, I love the new app! One small question about my savings plan.",
        "Hello and thanks for the quick help last week. Can you help me again?",
        "Good morning! Great service so far, I would like to open a second account.",
    ),
}
_WAITING: _Lines = {
    "angry": (
        "I have been waiting forever. This is a disgrace.",
        "Is this a joke? Worst service I have ever had!",
        "I hate this. I will close my account.",
    ),
    "annoyed": (
        "Still waiting... this is frustrating.",
        "Hello? Is anyone there? Bad service.",
        "Why does it take so long? Annoying.",
    ),
    "neutral": ("Hello? Is somebody there?", "Still here.", "Any news?"),
    "pleased": ("No hurry, I can wait, thank you.", "All good, take your time, thanks!"),
}
_CLOSING: _Lines = {
    "angry": (
        "That did not help at all. Terrible.",
        "Useless. I am very disappointed.",
        "I am still angry about this.",
    ),
    "annoyed": ("Well, that took too long. Poor show.", "Not really what I hoped for."),
    "neutral": ("OK.", "Fine, noted.", "Alright, then I will do that."),
    "pleased": ("Thank you so much, great help!", "Perfect, that was quick. Thanks!", "Wonderful, you are very kind."),
}
_BY_PLACE: dict[str, _Lines] = {"opening": _OPENING, "waiting": _WAITING, "closing": _CLOSING}

Line = tuple[str, tuple[str, ...]]
"""What an agent writes, and what behaviours it was written to show (docs/quality.md)."""

REPLIES: tuple[tuple[Line, ...], ...] = (
    (
        ("Thank you for your patience, let me look into this.", ("thanks", "hold-thanked")),
        ("Hello Ms Marlow, I am so sorry about this charge.", ("greeting", "apology")),
        ("I understand how important this is to you.", ("acknowledge",)),
        ("Wait.", ("curt",)),
    ),
    (
        ("I see it here.", ()),
        ("One moment please, I need to check this with a colleague.", ("hold-announced",)),
        ("I have checked your account and found the mistake.", ("own-words",)),
    ),
    (
        ("I have corrected that for you.", ()),
        ("I will stay with you until it works.", ("stay",)),
        ("That is our policy.", ("dismissal",)),
    ),
    (
        ("You will receive a confirmation by email.", ("email-announced",)),
        ("The money is back on your account.", ()),
    ),
)
"""By the turn of the conversation."""
BOT_REPLIES = (
    "Hello! How can I help you?",
    "Here is what I found in our help pages.",
    "Did this answer your question?",
)
SEARCHES = (
    "change pin abroad",
    "limit instant transfer",
    "close joint account",
    "card not arrived",
    "iban of my account",
)
ARTICLES = ("kb-pin", "kb-limits", "kb-statement", "kb-replace-card", "kb-instant-transfer")
THREADS = ("app-login", "savings-rates", "travel-cards")


def mood_word(mood: float) -> str:
    """The word for a mood in [-1, 1]."""
    if mood < -0.45:
        return "angry"
    if mood < 0.0:
        return "annoyed"
    return "neutral" if mood < 0.4 else "pleased"


def say(rng: random.Random, place: str, mood: float) -> str:
    """A line a customer in this mood writes at this place of the conversation: opening, waiting or closing."""
    return rng.choice(_BY_PLACE[place][mood_word(mood)])
