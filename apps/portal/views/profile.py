"""The person's own name and password."""

from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.models import Customer
from apps.portal import services
from apps.portal.access import portal_page, user_of
from apps.portal.forms import NameForm
from apps.portal.views.pages import draw


@portal_page()
def profile(request: HttpRequest, customer: Customer) -> HttpResponse:
    user = user_of(request)
    is_name, is_password = (request.method == "POST" and key in request.POST for key in ("save-name", "save-password"))
    name_form = NameForm(request.POST if is_name else None, initial={"name": user.name})
    password_form = PasswordChangeForm(user, request.POST if is_password else None)
    password_form.fields["old_password"].widget.attrs.pop("autofocus", None)
    if is_name and name_form.is_valid():
        services.rename(user, name=name_form.cleaned_data["name"])
        messages.success(request, "Your name is saved.")
        return redirect("portal:profile")
    if is_password and (answer := _change_password(request, password_form)):
        return answer
    return draw(
        request,
        customer,
        "portal/profile.html",
        title="Profile",
        section="profile",
        name_form=name_form,
        password_form=password_form,
        status=422 if name_form.errors or password_form.errors else 200,
    )


def _change_password(request: HttpRequest, form: Any) -> HttpResponse | None:
    """None: the form has to be shown again. Guessing the old password on an open session is limited as a log-in is."""
    if not ratelimit.consume(request, action="change_password", user=request.user):
        form.add_error(None, "Too many attempts. Wait a few minutes, then try again.")
        return None
    if not form.is_valid():
        return None
    user = services.change_password(user_of(request), password=form.cleaned_data["new_password1"])
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is changed. Other devices have to log in again.")
    return redirect("portal:profile")
