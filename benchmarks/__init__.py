"""How fast the product is, measured beside what a user would run instead. `bin/bench` starts it; docs/performance.md explains it."""
