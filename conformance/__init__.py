"""The conformance kit: drives a connector against its practice vendor and tries to break it.

It stands above both: `apps` knows neither it nor `sandbox`, and `sandbox` never reads a manifest.
"""
