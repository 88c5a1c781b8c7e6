"""What people call the bands of the plans that are shipped."""

from homemon.core.language import said

NAMES = {
    "all": ("終日", "all day"),
    "night": ("夜間", "night"),
    "day": ("昼間", "day"),
    "home": ("ホーム", "home"),
    "living": ("リビング", "living"),
    "family": ("ファミリー", "family"),
    "holiday": ("休日", "holiday"),
    "summer": ("夏季", "summer"),
    "summer and winter": ("夏季・冬季", "summer and winter"),
}
"""In Japanese and English, by a plan's name of a band, which may have two of them: `day, summer`."""


def named(name: str, language: str) -> str:
    """Return the name of a band as people call it: that of a plan of one's own as it stands there."""
    return ", ".join(said(NAMES[part], language) if part in NAMES else part for part in name.split(", "))
