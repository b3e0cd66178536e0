"""One traced call, whatever the provider. Private: the public names are in ``genspan``."""
