"""Public pages of consent: say no, choose, confirm."""

from django.urls import URLPattern, URLResolver, path

from consent import public_views, receipt_views

urlpatterns: list[URLPattern | URLResolver] = [
    path("u/<str:token>", public_views.one_click, name="one-click"),
    path("p/<str:token>", public_views.preferences, name="preferences"),
    path("c/<str:token>", public_views.confirm, name="confirm"),
    path(
        "p/<str:token>/receipt", receipt_views.order, {"scope": "preferences"}, name="receipt-order"
    ),
    path(
        "c/<str:token>/receipt",
        receipt_views.order,
        {"scope": "confirm"},
        name="receipt-order-confirm",
    ),
    path("r/<str:key>.jsonld", receipt_views.receipt_file, name="receipt-file"),
    path("r/<str:key>", receipt_views.receipt, name="receipt"),
]
