"""Addresses of the user interface itself."""

from django.urls import path

from tiski.ui.web.pages import styleguide

urlpatterns = [path("_styleguide/", styleguide, name="styleguide")]
