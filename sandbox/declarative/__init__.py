"""Makes a stateful practice vendor of a `vendor.yaml`: facts about its API as data, behaviour beyond them in Python."""
