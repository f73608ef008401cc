"""Opening hours: several intervals a day, past midnight, with exceptions for single dates."""

from __future__ import annotations

from django.db import models

from .shop import ShopRow


class Hours(ShopRow):
    """The week's opening hours, in the shop's own timezone."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop"], name="one_hours_per_shop")]

    def __str__(self) -> str:
        return f"hours of shop {self.shop_id}"


class OpenInterval(ShopRow):
    """Open from `opens` to `closes` on a weekday (0 is Monday).

    A closing time at or before the opening time lies on the next day; 00:00-00:00 is the whole day.
    """

    hours = models.ForeignKey(Hours, on_delete=models.CASCADE, related_name="intervals")
    weekday = models.PositiveSmallIntegerField()
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="weekday_0_to_6"),
            models.UniqueConstraint(fields=["hours", "weekday", "opens"], name="one_interval_per_opening"),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens:%H:%M}-{self.closes:%H:%M}"


class HoursException(ShopRow):
    """A date with its own hours: its intervals replace those that would begin on that date; none means closed."""

    hours = models.ForeignKey(Hours, on_delete=models.CASCADE, related_name="exceptions")
    date = models.DateField()
    intervals = models.JSONField(default=list, blank=True, help_text='[["10:00", "14:00"], ...]; empty is closed.')
    reason = models.CharField(max_length=80, blank=True, default="")
    holiday = models.CharField(max_length=24, blank=True, default="", help_text="Code of a public holiday.")

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["hours", "date"], name="one_exception_per_date")]

    def __str__(self) -> str:
        return f"exception on {self.date.isoformat()}"
