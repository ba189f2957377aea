"""What a browser gets: the web UI and the page about the API. They use only the public HTTP API.

Comes in: the path of a file, or the content of a page. Goes out: bytes, with the headers that belong to them.
The server and the native API's `/` call it. The UI is made of the files in `static/`, as they are: there is
no build step. Page: docs/web.md.
"""

from corral.web.docs import docs_headers, docs_page
from corral.web.site import StaticFile, home_page, static_file

__all__ = ["StaticFile", "docs_headers", "docs_page", "home_page", "static_file"]
