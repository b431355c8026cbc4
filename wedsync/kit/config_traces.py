"""The settings of traces: where spans are sent, how it is proved who sends them, and how many are."""

from typing import Annotated

from msgspec import Meta

from wedsync.kit.config_connectors import ConnectorSettings, about


class TraceSettings(ConnectorSettings, frozen=True, kw_only=True):
    """Each field is the variable `WEDSYNC_<FIELD>`."""

    otlp_url: Annotated[
        str,
        about(
            "Collector that traces are posted to by OpenTelemetry's protocol (OTLP over HTTP), whole: "
            "`https://collector:4318/v1/traces`. Empty: no traces."
        ),
    ] = ""
    otlp_headers: Annotated[
        str, about("What the collector asks for, `name=value` by comma: `authorization=Bearer%20…`.", secret=True)
    ] = ""
    trace_share: Annotated[
        int,
        Meta(ge=0, le=100),
        about("Of a hundred requests and works so many are traced, each to the last attempt of what it owes."),
    ] = 10
