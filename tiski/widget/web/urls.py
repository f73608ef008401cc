"""Addresses of the widget. They avoid the words that ad blockers look for."""

from django.urls import path

from . import pages

urlpatterns = [
    path("w/loader.js", pages.loader, name="widget_loader"),
    path("w/config/<slug:key>.json", pages.config, name="widget_config"),
    path("w/<slug:tree>/<str:name>", pages.module, name="widget_module"),
    path("chat/<slug:key>/", pages.hosted, name="widget_hosted"),
    path("chat/<slug:key>/preview/", pages.preview, name="widget_preview"),
]
