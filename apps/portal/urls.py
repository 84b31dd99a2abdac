"""Addresses of the portal, at the root of a partner's host."""

from django.urls import path

from apps.portal.views import brand, connections, files, links, overview, profile, questions, records

app_name = "portal"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("questions/", questions.questions, name="questions"),
    path("questions/<int:pk>/", questions.question, name="question"),
    path("questions/<int:pk>/answer/", questions.answer, name="question-answer"),
    path("deals/", records.deals, name="deals"),
    path("deals/<int:pk>/", records.deal, name="deal"),
    path("invoices/", records.invoices, name="invoices"),
    path("invoices/download/", records.invoices_download, name="invoices-download"),
    path("invoices/<int:pk>/", records.invoice, name="invoice"),
    path("invoices/<int:pk>/download/", records.invoice_download, name="invoice-download"),
    path("invoices/<int:pk>/lines/<int:line>/", records.invoice_work, name="invoice-work"),
    path("activity/", records.activity, name="activity"),
    path("connections/", connections.connections, name="connections"),
    path("connections/<int:pk>/access/", connections.access, name="connection-access"),
    path("connections/<int:pk>/reconnect/", connections.reconnect, name="connection-reconnect"),
    path("connections/<int:pk>/test/", connections.test, name="connection-test"),
    path("go/<str:token>/", links.follow, name="follow"),
    path("files/", files.files, name="files"),
    path("files/template/<slug:object_name>.<slug:kind>", files.template, name="file-template"),
    path("files/<int:pk>/", files.file, name="file"),
    path("files/<int:pk>/reading/", files.reading, name="file-reading"),
    path("files/<int:pk>/set-aside/", files.bad_rows, name="file-bad-rows"),
    path("portal/profile/", profile.profile, name="profile"),
    path("portal/brand.css", brand.brand_css, name="brand-css"),
]
