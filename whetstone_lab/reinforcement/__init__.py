"""Learning by trial: a deep Q network whose spikes choose what to do."""
