"""The lab in network namespaces: brought up under one anchor process, without containers."""
