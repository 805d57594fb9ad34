"""The picture of a lab, from its topology and its site: what it says, where it stands, how it is drawn."""
