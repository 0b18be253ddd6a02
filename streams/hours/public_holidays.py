"""Public holidays of countries and their subdivisions, from the library `holidays`."""

import warnings
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=1)
def places() -> dict[str, list[str]]:
    """Country (ISO 3166-1, two letters) → its subdivisions that have holidays of their own."""
    return {code: found for code, found in holidays.list_supported_countries().items() if len(code) == 2}


@lru_cache(maxsize=1024)
def in_year(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """The public holidays of a year by date, with the days on which those that fall on a weekend are kept. None in
    years of which the library knows nothing. Raises NotImplementedError for a place that it does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of years that it knows nothing of
        return dict(holidays.country_holidays(country, subdiv=subdivision, years=year))
