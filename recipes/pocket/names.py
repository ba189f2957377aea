"""Made-up and real names, so that copying from the prompt is the only way to answer."""

from __future__ import annotations

from random import Random

import facts

ONSETS = ("b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br",
          "cl",
          "dr", "fl", "gr", "kr", "pl", "qu", "sh", "sk", "st", "th", "tr", "ch", "x", "y", "")  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "oo", "ie", "ou", "y")
ENDINGS = ("", "", "", "n", "r", "l", "s", "t", "x", "m", "k", "nd", "rk", "sh", "ck", "ng", "lt")

PEOPLE = ("Ana", "Tom", "Maria", "John", "Alice", "Bob", "Peter", "Lena", "Carlos", "Yuki", "Omar", "Fatima",
          "Ivan", "Chen", "Priya", "Emma", "Noah", "Olivia", "Liam", "Sofia", "Mia", "Lucas", "David",
          "Sarah",
          "Mario", "Luigi", "Zoe", "Max", "Paul", "Anna", "Jane", "Mark", "Eva", "Leo", "Nina", "Sam",
          "Kim")  # fmt: skip

OBJECTS = ("apple", "book", "lamp", "chair", "table", "phone", "laptop", "bicycle", "shirt", "shoes",
           "camera",
           "guitar", "bottle", "ticket", "report", "letter", "song", "film", "game", "house", "garden",
           "coffee",
           "pizza", "flower", "train", "plane", "boat", "hat", "clock", "mirror", "pencil",
           "window")  # fmt: skip

LINKS = ("red", "old", "small", "new", "my", "big", "green", "of", "in", "with", "two", "see", "you", "at",
         "buy", "late", "and", "is", "very", "next", "good", "left", "from", "no", "about")  # fmt: skip

CITIES = (*facts.CAPITALS.values(), "New York", "San Francisco", "Los Angeles", "Toronto", "Sydney", "Mumbai",
          "Hamburg", "Munich", "Milan", "Barcelona", "Boston", "Chicago", "Seattle", "Osaka", "Shanghai",
          "Rio de Janeiro", "Lagos", "Dubai", "Istanbul", "Zurich", "Geneva", "Porto", "Lyon",
          "Krakow")  # fmt: skip


def made_up(rng: Random, syllables: int = 0) -> str:
    """A lower-case word of one to three syllables that nobody has seen."""
    count = syllables or rng.choice((1, 2, 2, 2, 3))
    body = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(count))
    return body + rng.choice(ENDINGS)


def person(rng: Random) -> str:
    return rng.choice(PEOPLE) if rng.random() < 0.35 else made_up(rng).capitalize()


def place(rng: Random) -> str:
    if rng.random() < 0.45:
        return rng.choice(CITIES)
    first = made_up(rng).capitalize()
    return f"{first} {made_up(rng, 1).capitalize()}" if rng.random() < 0.2 else first


def thing(rng: Random) -> str:
    if rng.random() < 0.15:
        return rng.choice((code, phrase))(rng)
    word = rng.choice(OBJECTS) if rng.random() < 0.4 else made_up(rng)
    return f"{made_up(rng, 1)} {word}" if rng.random() < 0.15 else word


def code(rng: Random) -> str:
    """What people copy letter by letter: file names, addresses, dates, versions."""
    word, other, digits = made_up(rng), made_up(rng, 1), rng.randrange(100)
    day = f"{rng.randrange(2020, 2031)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return rng.choice((
        f"{word}.txt", f"{word}.{other}", f"{word}@{other}.com", f"{word}-{digits}", f"{word}_{other}",
        f"{word}{digits}", f"{word.upper()}{digits}", f"v{digits}.{rng.randrange(10)}", f"/{word}/{other}",
        f"{other.capitalize()}{word.capitalize()}",
        day, f"{rng.randrange(24)}:{rng.randrange(60):02}", f"#{digits}{rng.randrange(1000)}",
    ))  # fmt: skip


def phrase(rng: Random) -> str:
    """Two to five words, some of them known."""
    words = [
        rng.choice((made_up(rng), rng.choice(OBJECTS), rng.choice(LINKS))) for _ in range(rng.randrange(2, 5))
    ]
    text = " ".join([*words, rng.choice(OBJECTS)])
    return text.capitalize() if rng.random() < 0.3 else text


def number(rng: Random) -> int:
    return rng.choice((rng.randrange(10), rng.randrange(100), rng.randrange(100), rng.randrange(2000)))
