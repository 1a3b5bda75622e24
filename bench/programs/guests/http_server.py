"""Python's own http.server, a thread for each client, with connections that are kept."""
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *rest):
        super().__init__(*rest, directory="/var/www")

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 80), Handler).serve_forever()
