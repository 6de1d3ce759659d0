"""A report as one HTML page: no script, no file beside it, nothing fetched.

In call order: `page` collects what the template shows, `timechart` and `spread` draw it as paths, `scale` and
`shape` are the geometry they share. The template has loops only.
"""

from proxyctl.check.reports.page.page import to_html

__all__ = ["to_html"]
