"""Setting up OpenTelemetry's SDK: what ``genspan.configure``, the distro and the end of a process share."""
