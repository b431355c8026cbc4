"""Files that come in, as the field of a form or as the body itself, and files to keep that go out."""

from typing import Final

from litestar import Response
from litestar.datastructures import UploadFile

from wedsync.web.context import invalid
from wedsync.web.forms import AnyRequest

CSV: Final = "text/csv; charset=utf-8"


async def received(request: AnyRequest, what: str) -> tuple[bytes, str, str]:
    """(file, its name, the field `choices`) of a form or of a plain body. Raises Refusal 422 where there is no file."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body(), "", ""
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise invalid("file", "is missing", f"Send the {what} as the field `file`.")
    said = form.get("choices")
    return await file.read(), file.filename or "", said if isinstance(said, str) else ""


def download(body: bytes, name: str, media_type: str = CSV) -> Response[bytes]:
    """A file to keep."""
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
