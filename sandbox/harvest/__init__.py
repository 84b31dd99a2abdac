"""Practice Harvest, API v2 (help.getharvest.com/api-v2): clients, projects, people, time, expenses."""
