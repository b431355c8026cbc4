"""Options that many commands of the command line have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

LOCAL = "http://127.0.0.1:8000"
Url = Annotated[str, Parameter(help="Where WedSync answers.", env_var="WEDSYNC_PUBLIC_URL")]
Token = Annotated[str, Parameter(help="An API key or an access token.", env_var="WEDSYNC_TOKEN")]
DataDir = Annotated[Path | None, Parameter(help="Folder for engines, secrets and logs (WEDSYNC_DATA_DIR).")]
Json = Annotated[bool, Parameter(negative="", help="One JSON object.")]
