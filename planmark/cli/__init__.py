"""The command line, and the steps of a night that the DAGs and the command line share."""
