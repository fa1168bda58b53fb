"""The OHIF viewer, served to a browser beside an archive's DICOMweb.

Page and DICOMweb have one origin, so that the browser asks for no permission between two.
"""

from __future__ import annotations

import http.client
import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.structure.repository import ROOT
from tests.support.servers import missing

#: What was tried; `.ci/viewer` fetches the same.
OHIF_VERSION = "3.13.2"

_LOCALHOST = "127.0.0.1"
_DICOMWEB = "/dicom-web"
_TIMEOUT_S = 60.0

_CONFIGURATION: dict[str, Any] = {
    "routerBasename": "/",
    "extensions": [],
    "modes": [],
    "customizationService": {},
    "showStudyList": True,
    "maxNumberOfWebWorkers": 2,
    "showLoadingIndicator": True,
    "showWarningMessageForCrossOrigin": False,
    "showCPUFallbackMessage": False,
    "strictZSpacingForVolumeViewport": True,
    "investigationalUseDialog": {"option": "never"},
    "defaultDataSourceName": "archive",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "archive",
            "configuration": {
                "friendlyName": "Orthanc",
                "name": "archive",
                "qidoRoot": _DICOMWEB,
                "wadoRoot": _DICOMWEB,
                "wadoUriRoot": _DICOMWEB,
                "qidoSupportsIncludeField": False,
                "supportsReject": False,
                "supportsFuzzyMatching": False,
                "supportsWildcard": True,
                "imageRendering": "wadors",
                "thumbnailRendering": "wadors",
                "enableStudyLazyLoad": True,
                "singlepart": "bulkdata,video",
                # as stored: Orthanc is to decode nothing
                "acceptHeader": [
                    "multipart/related; type=application/octet-stream; transfer-syntax=*"
                ],
                "bulkDataURI": {"enabled": True},
                "omitQuotationForMultipartRequest": True,
            },
        }
    ],
}


@contextmanager
def ohif(archive_http_port: int) -> Iterator[str]:
    """Serve OHIF on a free port of this machine, and give its address.

    Parameters
    ----------
    archive_http_port
        Of an Orthanc with its DICOMweb plugin, on this machine.
    """
    dist = ROOT / ".cache" / "ohif" / OHIF_VERSION / "dist"
    if not (dist / "index.html").is_file():
        missing("the OHIF viewer is not there (.ci/viewer fetches it with npm)")
    server = _Server(dist, archive_http_port)
    thread = threading.Thread(target=server.serve_forever, name="ohif")
    thread.start()
    try:
        yield f"http://{_LOCALHOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    #: A browser that has gone away keeps nobody waiting.
    daemon_threads = True

    def __init__(self, dist: Path, archive_http_port: int) -> None:
        super().__init__((_LOCALHOST, 0), _Handler)
        self.dist = dist.resolve()
        self.archive_http_port = archive_http_port

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser closes connections whenever it likes."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Say nothing: requests name patients' studies."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith(_DICOMWEB):
            self._answer(*self._ask_archive())
        elif path == "/app-config.js":
            text = f"window.config = {json.dumps(_CONFIGURATION)};"
            self._answer(http.client.OK, "application/javascript", text.encode())
        else:
            self._answer(*self._file(path))

    def _ask_archive(self) -> tuple[int, str, bytes]:
        archive = http.client.HTTPConnection(
            _LOCALHOST, self.server.archive_http_port, timeout=_TIMEOUT_S
        )
        try:
            # by its own name for itself, Orthanc would tell the browser to look elsewhere
            headers = {"Host": self.headers["Host"], "Accept": self.headers.get("Accept", "*/*")}
            archive.request("GET", self.path, headers=headers)
            answer = archive.getresponse()
            kind = answer.headers.get("Content-Type", "text/plain")
            return answer.status, kind, answer.read()
        finally:
            archive.close()

    def _file(self, path: str) -> tuple[int, str, bytes]:
        file = (self.server.dist / path.lstrip("/")).resolve()
        if not file.is_relative_to(self.server.dist) or not file.is_file():
            # addresses such as /viewer are the page's own affair
            file = self.server.dist / "index.html"
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        return http.client.OK, kind, file.read_bytes()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # browsers give memory that threads share to such pages alone
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(body)
