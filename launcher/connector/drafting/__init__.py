"""Drafts a manifest from an OpenAPI or Swagger file. Pure: files in, text out. What is not written in the file is
guessed with its reason or left to be completed; nothing is claimed as known that was only guessed."""
