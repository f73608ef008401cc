"""The demo shop's addresses."""

from django.urls import path

from . import pages

urlpatterns = [
    path("demo/", pages.front, name="demo"),
    path("demo/teas/<slug:slug>/", pages.product, name="demo-product"),
    path("demo/cart/", pages.cart, name="demo-cart"),
    path("demo/orders/10482/", pages.order, name="demo-order"),
    path("demo/removal/", pages.remove, name="demo-removal"),
]
