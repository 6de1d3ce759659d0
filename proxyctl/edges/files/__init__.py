"""The state folder and the templates: `generations`, `templates`, `decisions`, and `changes`, which watches files."""
