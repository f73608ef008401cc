"""Addresses of files in the widget."""

from django.urls import path

from . import files

urlpatterns = [
    path("w/<slug:key>/files/", files.upload, name="chat-files"),
    path("w/<slug:key>/files/<slug:blob_id>/", files.download, name="chat-file"),
]
