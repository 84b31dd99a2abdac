"""Tests against business systems nobody here wrote: a real Tryton and a real Redmine."""
