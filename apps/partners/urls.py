"""Brand images, on partner hosts and the operator's."""

from django.urls import path

from apps.partners import views

app_name = "brand"
urlpatterns = [
    path("logo", views.logo, name="logo"),
    path("favicon", views.favicon, name="favicon"),
]
