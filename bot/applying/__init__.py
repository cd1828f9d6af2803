"""The second half of the belt: a merged pull request becomes running machines and workloads, and says so."""
