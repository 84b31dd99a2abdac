"""Pages of the staff admin that are no model's list or form."""

from typing import Any

from django.urls import URLPattern, path

from apps.backoffice.views import brand, catalog, connect, databases, files, flows, mail, mappings, oauth


def extra_urls(site: Any) -> list[URLPattern]:
    view = site.admin_view
    return [
        path("catalog/", view(catalog.catalog), name="catalog"),
        path("catalog/<slug:slug>/", view(catalog.connector), name="catalog-connector"),
        path("catalog/<slug:slug>/icon.svg", view(catalog.icon), name="catalog-icon"),
        path("connect/<int:customer_id>/", view(connect.choose), name="connect-choose"),
        path("connect/<int:customer_id>/<slug:slug>/", view(connect.enter), name="connect-enter"),
        path("connection/<int:pk>/credentials/", view(connect.credentials), name="connection-credentials"),
        path("connection/<int:pk>/objects/", view(connect.objects), name="connection-objects"),
        path("connection/<int:pk>/consent/", view(oauth.start), name="connection-consent"),
        path("connection/<int:pk>/account/<slug:name>/", view(connect.variable), name="connection-variable"),
        path("connection/<int:pk>/mappings/", view(mappings.of_connection), name="connection-mappings"),
        path("connection/<int:pk>/mappings/edit/", view(mappings.begin), name="mapping-begin"),
        path("mapping/<int:pk>/", view(mappings.editor), name="mapping-editor"),
        path("mapping/<int:pk>/lines/", view(mappings.lines), name="mapping-lines"),
        path("mapping/<int:pk>/line/", view(mappings.line), name="mapping-line-new"),
        path("mapping/<int:pk>/line/<int:index>/", view(mappings.line), name="mapping-line"),
        path("mapping/<int:pk>/yaml/", view(mappings.as_yaml), name="mapping-yaml"),
        path("mapping/<int:pk>/publish/", view(mappings.publish), name="mapping-publish"),
        path("mapping/<int:pk>/discard/", view(mappings.discard), name="mapping-discard"),
        path("flow/<int:pk>/settings/", view(flows.settings), name="flow-settings"),
        path("flow/<int:pk>/preview/", view(flows.preview), name="flow-preview"),
        path("install/<int:customer_id>/", view(flows.choose), name="flow-choose"),
        path("install/<int:customer_id>/<slug:blueprint>/", view(flows.install), name="flow-install"),
        path("connection/<int:pk>/upload/", view(files.upload), name="file-upload"),
        path("connection/<int:pk>/template/<slug:object_name>.<slug:kind>", view(files.template), name="file-template"),
        path("file/<int:pk>/columns/", view(files.columns), name="file-columns"),
        path("file/<int:pk>/progress/", view(files.progress), name="file-progress"),
        path("file/<int:pk>/reading/", view(files.reading), name="file-reading"),
        path("file/<int:pk>/set-aside/", view(files.bad_rows), name="file-bad-rows"),
        path("connection/<int:pk>/tables/", view(databases.tables), name="connection-tables"),
        path("connection/<int:pk>/tables/<slug:object_name>/", view(databases.table), name="connection-table"),
        path("connection/<int:pk>/warehouse/", view(databases.warehouse), name="connection-warehouse"),
        path("brand/", view(brand.edit), name="brand"),
        path("mail/", view(mail.mail), name="mail"),
    ]
