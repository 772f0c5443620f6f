"""The SSH door: who is calling, and the commands they may give. The only importer of asyncssh."""
