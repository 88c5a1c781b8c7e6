"""The page over HTTP: a request's answer (`site`), pages kept while nothing changes, streams, files, the server."""
