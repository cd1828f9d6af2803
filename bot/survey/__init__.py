"""Tree to AppProfile: ordered detectors that vote with evidence; a description's words to Demand."""
