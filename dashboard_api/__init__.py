"""JSON for programs, pages for people; a process of its own over the hub's database."""
