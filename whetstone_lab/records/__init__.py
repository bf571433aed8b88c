"""What a run or a simulation did, in memory and in files."""
